import type { HeldAttempt, HeldLease } from '../book/book.ts'
import { reportedAtOnce } from '../claim/group-attempts.ts'
import type { AgentContext } from '../context.ts'
import { freeIdleSlots } from '../lease/amend-lease.ts'
import { describeFailure } from './describe-failure.ts'
import { failAttempt } from './fail-attempt.ts'
import { prepareAttempt } from './prepare-attempt.ts'
import { runAttempt } from './run-attempt.ts'

/** How many attempts to a slot have their blobs fetched ahead. */
const prefetchPerSlot = 4

const prepare = (context: AgentContext, lease: HeldLease, attempt: HeldAttempt): void => {
  attempt.preparation = 'under-way'
  const preparing = prepareAttempt(context, attempt)
  if (preparing === undefined) {
    attempt.preparation = 'ready'
    return
  }
  preparing.then(
    () => {
      attempt.preparation = 'ready'
      pumpLease(context, lease)
    },
    (error: unknown) => {
      if (context.signal.aborted || context.book.attempts.get(attempt.id) !== attempt) return
      failAttempt(context, attempt, describeFailure(error))
      pumpLease(context, lease)
    },
  )
}

/** Whether it is still running. */
const run = (context: AgentContext, lease: HeldLease, attempt: HeldAttempt): boolean => {
  lease.queue.delete(attempt)
  lease.running.add(attempt)
  const running = runAttempt(context, lease, attempt)
  if (running === undefined) {
    lease.running.delete(attempt)
    return false
  }
  void running.then(() => {
    lease.running.delete(attempt)
    if (lease.amendments.length > 0) freeIdleSlots(context, lease)
    pumpLease(context, lease)
  })
  return true
}

/** Runs what is ready on the free slots of a lease, oldest first, and fetches ahead for what comes next. */
export const pumpLease = (context: AgentContext, lease: HeldLease): void => {
  if (context.signal.aborted || context.book.leases.get(lease.signed.record.id) !== lease) return
  const { slots } = lease
  let looked = 0
  let ended = 0
  for (const attempt of lease.queue) {
    if (looked++ >= slots * prefetchPerSlot) break
    if (!attempt.isDurable) continue
    if (attempt.preparation === 'none') prepare(context, lease, attempt)
    if (attempt.preparation === 'ready' && lease.running.size < slots) {
      looked--
      if (run(context, lease, attempt) || ++ended < reportedAtOnce) continue
      // Those that ended as soon as they began are reported before the next begin.
      const goOn = (): void => pumpLease(context, lease)
      return void context.write([]).then(goOn, goOn)
    }
  }
}
