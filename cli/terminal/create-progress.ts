import { renderBars, type BarState } from './render-bar.ts'
import { styleFor } from './style.ts'
import type { Terminal, TextStream } from './terminal.ts'
import { truncate } from './text-width.ts'
import { wrapLines } from './wrap-lines.ts'

export interface BarUpdate {
  readonly label?: string
  readonly done?: number
  readonly total?: number
  readonly note?: string
  /** Part of the bar to fill where there is no total. */
  readonly share?: number
}

/** One line of progress. After `succeed`, `fail` or `remove` it changes no more. */
export interface ProgressBar {
  update(change: BarUpdate): void
  succeed(note?: string): void
  fail(note?: string): void
  remove(): void
}

/** Lines that are drawn again and again at the foot of a terminal. Where nobody watches nothing is drawn. */
export interface Progress {
  /** A new line. Without a total it spins until it gets one. */
  bar(label: string, total?: number): ProgressBar
  /** One line of text above the bars, in place of the one before; empty takes it away. Where nobody watches it is not shown. */
  live(text: string): void
  /** Writes text above the lines, to standard output or as told. Works without a terminal too. Broken to the width of the terminal unless it is to stay `as-is`. */
  print(text: string, to?: 'stdout' | 'stderr', shape?: 'wrapped' | 'as-is'): void
  /** Draws once more, leaves the lines where they are and goes. */
  stop(): void
}

const frameMs = 100

/** Progress on standard error, so that standard output holds results only. */
export const createProgress = (terminal: Terminal): Progress => {
  const stream: TextStream = terminal.stderr
  const style = styleFor(terminal)
  const bars: { state: BarState; readonly startedAt: number }[] = []
  let liveText = ''
  let drawn = 0
  let timer: NodeJS.Timeout | undefined

  const erase = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\r\u001b[J`)
    drawn = 0
  }

  const draw = () => {
    if (!stream.isTty) return
    const now = terminal.elapsed()
    const states = bars.map(({ state, startedAt }) =>
      state.state === 'running' ? { ...state, elapsedMs: now - startedAt } : state,
    )
    const room = Math.max(1, stream.rows - 2)
    const width = stream.columns - 1
    const lines = [...(liveText === '' ? [] : [truncate(liveText, width)]), ...renderBars(states, width, style)]
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), style.dim(`… and ${lines.length - room + 1} more`)]
    const up = drawn === 0 ? '' : `\u001b[${drawn}A\r`
    stream.write(`${up}${shown.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`)
    drawn = shown.length
  }

  const begin = () => {
    if (timer !== undefined || !stream.isTty) return
    stream.write('\u001b[?25l')
    process.on('exit', showCursor)
    timer = setInterval(draw, frameMs)
    timer.unref()
  }

  const showCursor = () => stream.write('\u001b[?25h')

  return {
    bar: (label, total) => {
      const startedAt = terminal.elapsed()
      const entry = {
        startedAt,
        state: { label, done: 0, total, note: '', elapsedMs: 0, state: 'running' } as BarState,
      }
      bars.push(entry)
      begin()
      draw()
      const end = (state: BarState['state'], note = entry.state.note) => {
        if (entry.state.state !== 'running') return
        entry.state = { ...entry.state, state, note, elapsedMs: terminal.elapsed() - startedAt }
        draw()
      }
      return {
        update: (change) => {
          if (entry.state.state === 'running') entry.state = { ...entry.state, ...change }
        },
        succeed: (note) => end('succeeded', note),
        fail: (note) => end('failed', note),
        remove: () => {
          const index = bars.indexOf(entry)
          if (index >= 0) bars.splice(index, 1)
          draw()
        },
      }
    },
    live: (text) => {
      liveText = text
      if (text !== '') begin()
    },
    print: (text, to = 'stdout', shape = 'wrapped') => {
      const shown = shape === 'as-is' ? text : wrapLines(text, terminal[to].columns)
      if (timer === undefined) return terminal[to].write(shown)
      erase()
      terminal[to].write(shown)
      draw()
    },
    stop: () => {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      draw()
      showCursor()
      process.off('exit', showCursor)
      drawn = 0
    },
  }
}
