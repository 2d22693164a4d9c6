import { formatDuration } from '../format/format-duration.ts'
import type { Style } from './style.ts'
import { padEnd, padStart, textWidth, truncate } from './text-width.ts'

/** What one line of progress shows at a moment. Without `total` it spins. */
export interface BarState {
  readonly label: string
  readonly done: number
  readonly total: number | undefined
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
  const room = width - labelWidth - countWidth - 24
  const length = hasBar ? Math.min(barWidth, Math.max(leastBarWidth, room)) : 0
  return bars.map((state, index) => {
    const { done, total, label, note } = state
    const share = total === undefined || total === 0 ? 1 : done / total
    const parts = [
      `${iconOf(state, style)} ${padEnd(label, labelWidth)}`,
      ...(hasBar ? [total === undefined ? ' '.repeat(length) : bar(share, length, state.state, style)] : []),
      ...(countWidth > 0 ? [padStart(counts[index] ?? '', countWidth)] : []),
      style.dim(`${formatDuration(state.elapsedMs)}${timeLeft(state)}`),
      ...(note === '' ? [] : [note]),
    ]
    return truncate(parts.join('  '), width)
  })
}
