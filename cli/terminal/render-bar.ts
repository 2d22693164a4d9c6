import { formatDuration } from '../format/format-duration.ts'
import type { Style } from './style.ts'
import { padEnd, padStart, textWidth, truncate } from './text-width.ts'

/** What one line of progress shows at a moment. Without `total` it spins. */
export interface BarState {
  readonly label: string
  readonly done: number
  readonly total: number | undefined
  /** Part of the bar to fill where there is no total: what this line contributes to something larger. */
  readonly share?: number
  readonly note: string
  readonly elapsedMs: number
  readonly state: 'running' | 'succeeded' | 'failed'
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const spinMs = 100
const barWidth = 28
const leastBarWidth = 8

const iconOf = ({ state, elapsedMs }: BarState, style: Style): string => {
  if (state === 'succeeded') return style.green('✓')
  if (state === 'failed') return style.red('✗')
  return style.cyan(spinner[Math.floor(elapsedMs / spinMs) % spinner.length] ?? '')
}

const bar = (share: number, width: number, state: BarState['state'], style: Style): string => {
  const filled = Math.floor(Math.min(1, Math.max(0, share)) * width)
  const paint = { running: style.cyan, succeeded: style.green, failed: style.red }[state]
  return paint('━'.repeat(filled)) + style.dim('─'.repeat(width - filled))
}

/** Time left at the speed so far; only once there is something to judge by. */
const timeLeft = ({ done, total, elapsedMs, state }: BarState): string => {
  if (state !== 'running' || total === undefined || done === 0 || done >= total || elapsedMs < 1_000) return ''
  return `, ${formatDuration(((total - done) * elapsedMs) / done)} left`
}

/** Lines of progress under each other, their columns aligned, none wider than `width`. */
export const renderBars = (bars: readonly BarState[], width: number, style: Style): string[] => {
  const labelWidth = Math.max(0, ...bars.map(({ label }) => textWidth(label)))
  const counts = bars.map(({ done, total }) => (total === undefined ? (done > 0 ? `${done}` : '') : `${done}/${total}`))
  const countWidth = Math.max(0, ...counts.map(textWidth))
  const hasBar = bars.some(({ total }) => total !== undefined)
  const times = bars.map((state) => `${formatDuration(state.elapsedMs)}${timeLeft(state)}`)
  const besides = Math.max(0, ...bars.map(({ note }, index) => textWidth(times[index] ?? '') + textWidth(note)))
  const room = width - labelWidth - countWidth - besides - 10
  const length = hasBar ? Math.min(barWidth, Math.max(leastBarWidth, room)) : 0
  return bars.map((state, index) => {
    const { done, total, label, note } = state
    const share = total === undefined ? state.share : total === 0 ? 1 : done / total
    const parts = [
      `${iconOf(state, style)} ${padEnd(label, labelWidth)}`,
      ...(hasBar ? [share === undefined ? ' '.repeat(length) : bar(share, length, state.state, style)] : []),
      ...(countWidth > 0 ? [padStart(counts[index] ?? '', countWidth)] : []),
      style.dim(times[index] ?? ''),
      ...(note === '' ? [] : [note]),
    ]
    return truncate(parts.join('  '), width)
  })
}
