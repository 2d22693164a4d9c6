import type { Address, AttemptId } from '@muster/protocol'
import type { WatchedAttempt } from './watch-jobs.ts'
import type { Violations } from './violations.ts'

/** What machines really do, told by the workloads themselves. */
export interface RunsWatch {
  /** Gives what ends the run: `isDone` where it ended well. */
  started(provider: Address, slots: number, attempt: AttemptId): (isDone: boolean) => void
  /** The machine is gone, with all that ran on it. */
  crashed(provider: Address): void
  /** Attempts that ended well, with who ran them. */
  readonly done: ReadonlyMap<AttemptId, Address>
  count(): number
  /** Forgets how these ended: nothing can come of them any more. */
  forget(attempts: Iterable<AttemptId>): void
}

/** `attemptOf` says what its market knows of an attempt. */
export const watchRuns = (
  attemptOf: (id: AttemptId) => WatchedAttempt | undefined,
  violations: Violations,
): RunsWatch => {
  const running = new Map<Address, Set<AttemptId>>()
  const places = new Map<AttemptId, Address>()
  const done = new Map<AttemptId, Address>()
  /** Those that ended well since the machine last started. */
  const fresh = new Map<Address, Set<AttemptId>>()
  let count = 0

  const runningAt = (provider: Address): Set<AttemptId> => {
    const known = running.get(provider) ?? new Set()
    running.set(provider, known)
    return known
  }

  return {
    done,
    count: () => count,
    started: (provider, slots, attempt) => {
      count++
      const dispatched = attemptOf(attempt)
      if (dispatched?.provider !== provider) {
        const holder = dispatched === undefined ? 'nobody' : dispatched.provider
        violations.report('runs-where-leased', `${provider} runs ${attempt}, which was dispatched to ${holder}`)
      }
      const place = places.get(attempt)
      if (place !== undefined && place !== provider)
        violations.report('runs-where-leased', `${attempt} runs at ${provider} after it ran at ${place}`)
      places.set(attempt, provider)
      const here = runningAt(provider)
      if (here.has(attempt)) violations.report('runs-where-leased', `${provider} runs ${attempt} twice at once`)
      if (fresh.get(provider)?.has(attempt) === true)
        violations.report('runs-where-leased', `${provider} runs ${attempt} again after it was done`)
      here.add(attempt)
      if (here.size > slots)
        violations.report('slot-sold-once', `${provider} runs ${here.size} attempts on ${slots} slots`)
      return (isDone) => {
        here.delete(attempt)
        if (!isDone) return
        done.set(attempt, provider)
        fresh.set(provider, (fresh.get(provider) ?? new Set()).add(attempt))
      }
    },
    forget: (attempts) => {
      for (const attempt of attempts) {
        const place = places.get(attempt)
        if (place !== undefined) fresh.get(place)?.delete(attempt)
        done.delete(attempt)
        places.delete(attempt)
      }
    },
    crashed: (provider) => {
      running.delete(provider)
      fresh.delete(provider)
    },
  }
}
