import type { HeldAttempt, HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
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

const run = async (context: AgentContext, lease: HeldLease, attempt: HeldAttempt): Promise<void> => {
  lease.queue.delete(attempt)
  lease.running.add(attempt)
  try {
    await runAttempt(context, lease, attempt)
  } finally {
    lease.running.delete(attempt)
  }
  if (!context.signal.aborted) pumpLease(context, lease)
}

/** Runs what is ready on the free slots of a lease, oldest first, and fetches ahead for what comes next. */
export const pumpLease = (context: AgentContext, lease: HeldLease): void => {
  if (context.signal.aborted || context.book.leases.get(lease.signed.record.id) !== lease) return
  const { slots } = lease.signed.record
  let looked = 0
  for (const attempt of lease.queue) {
    if (looked++ >= slots * prefetchPerSlot) break
    if (!attempt.isDurable) continue
    if (attempt.preparation === 'none') prepare(context, lease, attempt)
    if (attempt.preparation === 'ready' && lease.running.size < slots) {
      looked--
      void run(context, lease, attempt)
    }
  }
}
