import { MusterError, toProblem } from '@muster/protocol'
import { isLeased, type HeldLease, type HeldStarts } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { dropAttempt } from '../attempt/drop-attempt.ts'
import { failAttempt } from '../attempt/fail-attempt.ts'
import { strikeOut } from '../attempt/strike-out.ts'
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
  const held = book.jobs.get(job)
  if (held === undefined || isLeased(book, job)) return []
  const records = held.fenceRecords
  held.fenceRecords = []
  if (held.starts === 0) book.jobs.delete(job)
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
  const touched = new Set<HeldStarts>()
  for (const attempt of [...lease.queue, ...lease.running]) {
    if (attempt.phase !== 'queued' && attempt.phase !== 'running') continue
    if (end === 'closed') {
      dropAttempt(context, attempt)
      touched.add(attempt.starts)
    } else {
      const problem = new MusterError({ code: 'lease_closed', message: sentences[end], facts: { lease: id } })
      failAttempt(context, attempt, toProblem(problem))
    }
  }
  lease.queue.clear()
  freeSlots(context, lease.reservation)
  context.log.info('lease ended', { lease: id, end })
  return [
    forgetReservation(lease.reservation.signed.record.id),
    ...forgetJob(context, lease),
    ...strikeOut(context.book, touched),
  ]
}
