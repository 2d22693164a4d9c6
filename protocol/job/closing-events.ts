import type { LeaseState } from '../lease/lease-state.ts'
import { takesWork } from '../lease/lease-state.ts'
import type { JobEvent, JobOutcome } from './job-event.ts'
import type { Job } from './job.ts'

const isIdle = (job: Job, state: LeaseState): boolean => (job.inFlight.get(state.lease.record.id)?.size ?? 0) === 0

const outcomeOf = (job: Job): JobOutcome => {
  if (job.counts.abandoned > 0) return 'failed'
  return job.counts.cancelled > 0 ? 'cancelled' : 'succeeded'
}

/**
 * What ends by itself: waiting tasks of a job that is being cancelled, leases with nothing left to do,
 * and the job, once every task is final, abandoned or cancelled. The rest of the escrow is refunded at `closed`.
 */
export const closingEvents = (job: Job, now: number): JobEvent[] => {
  if (job.closed !== null) return []
  const events: JobEvent[] = []
  const withdrawn = job.cancelRequested ? [...job.waiting] : []
  if (withdrawn.length > 0) events.push({ type: 'withdrawn', at: now, tasks: withdrawn })
  const waiting = job.counts.waiting - withdrawn.length
  for (const state of job.leases.values()) {
    if (state.phase === 'closed' || !isIdle(job, state)) continue
    const { id } = state.lease.record
    if (waiting === 0)
      events.push({ type: 'lease-closed', at: now, lease: id, reason: job.cancelRequested ? 'cancelled' : 'done' })
    else if (state.phase === 'open' && !takesWork(state, now)) {
      events.push({
        type: 'lease-closed',
        at: now,
        lease: id,
        reason: state.noticedAt === null ? 'expired' : 'returned',
      })
    }
  }
  if (waiting + job.counts.running + job.counts.accepted === 0) {
    const outcome = withdrawn.length > 0 && job.counts.abandoned === 0 ? 'cancelled' : outcomeOf(job)
    events.push({ type: 'closed', at: now, outcome, refund: job.spec.ceiling - job.paid })
  }
  return events
}
