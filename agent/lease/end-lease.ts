import { MusterError, toProblem } from '@muster/protocol'
import type { HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { dropAttempt } from '../attempt/drop-attempt.ts'
import { failAttempt } from '../attempt/fail-attempt.ts'
import { forgetFences, forgetReservation, type JournalChange } from '../journal/journal-record.ts'
import { freeSlots } from '../reservation/hold-slots.ts'

/** `closed`: the market closed it and knows what becomes of its attempts. The others are news to it. */
export type LeaseEnd = 'closed' | 'expired' | 'returned'

const sentences: Record<Exclude<LeaseEnd, 'closed'>, string> = {
  expired: 'The lease ran out before this attempt had finished.',
  returned: 'The provider took its machine back before this attempt had finished.',
}

const forgetJob = ({ book }: AgentContext, ended: HeldLease): JournalChange[] => {
  const { job } = ended.signed.record
  for (const lease of book.leases.values()) if (lease.signed.record.job === job) return []
  const records = book.fenceRecords.get(job) ?? []
  book.fences.delete(job)
  book.fenceRecords.delete(job)
  return records.map(forgetFences)
}

/**
 * Ends a lease: attempts that have not ended are stopped, its slots are free again, and fences of a job without a lease are
 * forgotten. Attempts that ended before stay until they are settled. Gives what the journal must be told.
 */
export const endLease = (context: AgentContext, lease: HeldLease, end: LeaseEnd): JournalChange[] => {
  const { id } = lease.signed.record
  if (context.book.leases.get(id) !== lease) return []
  context.book.leases.delete(id)
  const changes: JournalChange[] = []
  for (const attempt of [...lease.queue, ...lease.running]) {
    if (attempt.phase !== 'queued' && attempt.phase !== 'running') continue
    if (end === 'closed') changes.push(...dropAttempt(context, attempt))
    else {
      const problem = new MusterError({ code: 'lease_closed', message: sentences[end], facts: { lease: id } })
      failAttempt(context, attempt, toProblem(problem))
    }
  }
  lease.queue.clear()
  freeSlots(context, lease.reservation)
  changes.push(forgetReservation(lease.reservation.signed.record.id), ...forgetJob(context, lease))
  context.log.info('lease ended', { lease: id, end })
  return changes
}
