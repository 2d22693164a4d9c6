import { durationSchema } from '@muster/protocol'
import { MusterError, parseUsd, type StandingTermsInput } from '@muster/sdk'

export interface WrittenTerms {
  readonly times?: number
  readonly always?: boolean
  readonly until?: string
  readonly cooldown?: string
  readonly atMost?: string
}

const defaultMs = 30 * 86_400_000

const wrong = (message: string, expected: string, found: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { expected, found: found.slice(0, 64) } })

/** A date is the beginning of that day in UTC; a time such as 7d is counted from now. */
const untilOf = (text: string | undefined, now: number): number => {
  if (text === undefined) return now + defaultMs
  const lasts = durationSchema.safeParse(text)
  if (lasts.success) return now + lasts.data
  const at = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(at)) return at
  throw wrong('This is not when a standing order expires.', '2026-12-31, 2026-12-31T18:00Z or 7d', text)
}

const cooldownOf = (text: string | undefined): number => {
  if (text === undefined) return 0
  const parsed = durationSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw wrong('This is not how long to wait between jobs.', 'a time such as 30m or 12h', text)
}

/** Terms as they are given on the command line. Throws `request_invalid`. */
export const compileTerms = (written: WrittenTerms, now: number): StandingTermsInput => {
  const { times, always = false, until, cooldown, atMost } = written
  if (always && times !== undefined)
    throw wrong('A standing order runs so many times or always.', '--times or --always', 'both')
  if (always && atMost === undefined)
    throw wrong('Say what the jobs of --always may cost together.', '--at-most, such as --at-most 50', 'nothing')
  return {
    times: always ? null : (times ?? 1),
    until: untilOf(until, now),
    cooldownMs: cooldownOf(cooldown),
    atMost: atMost === undefined ? null : parseUsd(atMost.replace(/^\$/, '')),
  }
}
