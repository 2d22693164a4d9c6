import { liveAttempt, newTask, type AttemptRef, type Problem } from '@muster/protocol'
import type { Draft } from '../job/draft.ts'

export interface FailedAttempt {
  readonly ref: AttemptRef
  readonly problem: Problem
}

/** Fails the attempts that are still running or claimed and held by this provider; nobody else can fail them. */
export const failAttempts = (draft: Draft, provider: string, failures: readonly FailedAttempt[]): void => {
  const mine = failures.filter(({ ref: { index, fence } }) => {
    const live = liveAttempt(draft.job.tasks[index] ?? newTask)
    if (live === undefined || live.fence !== fence || (live.phase !== 'running' && live.phase !== 'claimed'))
      return false
    return draft.job.leases.get(live.lease)?.provider === provider
  })
  if (mine.length === 0) return
  const attempts = mine.map(({ ref: { index, fence }, problem }) => ({ index, fence, problem }))
  draft.emit({ type: 'failed', at: draft.now, attempts })
}
