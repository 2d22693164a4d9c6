import { durationSchema, MusterError, type Maintenance } from '@muster/protocol'

const instant = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)$/
const longestMs = 366 * 86_400_000

const refuse = (what: string, expected: string, found: string): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `${what}: expected ${expected}, found ${found}.`,
    facts: { expected, found },
  })

const parseDuration = (what: string, text: string): number => {
  const parsed = durationSchema.safeParse(text)
  if (parsed.success && parsed.data > 0 && parsed.data <= longestMs) return parsed.data
  throw refuse(what, 'a time such as 2h or 30m', text)
}

const parseStart = (what: string, text: string, now: number): number => {
  if (text === 'now') return now
  if (text.startsWith('+')) return now + parseDuration(what, text.slice(1))
  const at = instant.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  if (at >= 0) return at
  throw refuse(what, 'now, a time from now such as +30m, or one with its zone such as 2026-11-21T02:00Z', text)
}

/** `from` and `lasts` as they are written. Throws `request_invalid` for what cannot be read, and for a window that is over. */
export const windowOf = (from: string, lasts: string, now: number): Maintenance => {
  const start = parseStart('--from', from, now)
  const until = start + parseDuration('--for', lasts)
  if (until > now) return { from: start, until }
  throw refuse('--from', 'a maintenance that is not over yet', from)
}

/** `2026-11-21T02:00Z/2h`, as options have it; one that is over counts as none. Throws `request_invalid`. */
export const parseWindow = (text: string): Maintenance => {
  const [from = '', lasts = '', ...more] = text.split('/')
  if (more.length > 0 || !instant.test(from))
    throw refuse('maintenance', 'a time with its zone and how long, such as 2026-11-21T02:00Z/2h', text)
  const start = parseStart('maintenance', from, 0)
  return { from: start, until: start + parseDuration('maintenance', lasts) }
}
