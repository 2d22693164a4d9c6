import { formatDuration } from './format-duration.ts'

/** `3m 20s ago`, `in 59m 00s`. */
export const formatAge = (at: number, now: number): string =>
  at > now ? `in ${formatDuration(at - now)}` : `${formatDuration(now - at)} ago`

/** `14:03:59` on this machine's clock. */
export const formatClock = (at: number): string => new Date(at).toTimeString().slice(0, 8)
