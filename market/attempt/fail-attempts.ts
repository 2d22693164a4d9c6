import type { AttemptRef, Problem } from '@muster/protocol'
import type { Draft } from '../job/draft.ts'
import { leaseOf } from './lease-of.ts'
import { isWanted } from './is-wanted.ts'

export interface FailedAttempt {
  readonly ref: AttemptRef
  readonly problem: Problem
}

/** Fails the attempts that are still running or claimed and held by this provider; nobody else can fail them. */
export const failAttempts = (draft: Draft, provider: string, failures: readonly FailedAttempt[]): void => {
  const failed = new Map<number, AttemptRef & { readonly problem: Problem }>()
  for (const { ref, problem } of failures) {
    if (!isWanted(draft.job, ref) || leaseOf(draft.job, ref)?.provider !== provider) continue
    failed.set(ref.index, { index: ref.index, fence: ref.fence, problem })
  }
  if (failed.size > 0) draft.emit({ type: 'failed', at: draft.now, attempts: [...failed.values()] })
}
