import { MusterError, type ErrorCode, type World } from '@muster/protocol'
import { pause } from './pause.ts'

export interface RetryPolicy {
  /** Tries in all; 1 means none is repeated. */
  readonly attempts: number
  readonly firstDelayMs: number
  /** No wait is longer than this; an error that asks for a longer one is handed to the caller. */
  readonly maxDelayMs: number
}

/** Errors that name a later time but that no back-off of seconds outlasts. */
const notWorthRepeating: ReadonlySet<ErrorCode> = new Set(['nothing_fits', 'clock_skewed', 'disk_full'])

const isWorthRepeating = (error: unknown, policy: RetryPolicy): error is MusterError =>
  error instanceof MusterError &&
  error.retry !== 'never' &&
  !notWorthRepeating.has(error.code) &&
  (error.retryAfterMs ?? 0) <= policy.maxDelayMs

/** The wait before try number `tried + 1`: doubled each time, at least half of it kept, the rest left to chance. */
export const backOffMs = (policy: RetryPolicy, tried: number, world: World): number => {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (tried - 1))
  const [chance = 0] = world.random(1)
  return ceiling / 2 + (ceiling / 2) * (chance / 255)
}

/** Repeats what failed for a reason that may pass. Only for calls that may be made twice. */
export const retryCall = async <Result>(
  policy: RetryPolicy,
  world: World,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> => {
  for (let tried = 1; ; tried++) {
    try {
      return await call()
    } catch (error) {
      if (tried >= policy.attempts || !isWorthRepeating(error, policy)) throw error
      const delayMs = error.retry === 'now' && tried === 1 ? 0 : backOffMs(policy, tried, world)
      await pause(Math.max(delayMs, error.retryAfterMs ?? 0), signal)
    }
  }
}
