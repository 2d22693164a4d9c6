import type { LeaseState } from '../lease/lease-state.ts'
import { roundsLeft } from '../lease/lease-state.ts'
import type { JobEvent, JobOutcome } from './job-event.ts'
import type { Job } from './job.ts'
import type { ExpectedMsOf } from './next-dispatch.ts'
import { slotsKept } from './slots-wanted.ts'

const isIdle = (job: Job, state: LeaseState): boolean => (job.inFlight.get(state.lease.record.id)?.size ?? 0) === 0

const outcomeOf = (job: Job): JobOutcome => {
  if (job.counts.abandoned > 0) return 'failed'
  return job.counts.cancelled > 0 ? 'cancelled' : 'succeeded'
}

/**
 * What ends by itself: waiting tasks of a job that is being cancelled, leases with nothing left to do or that it gives back,
 * and the job, once every task is final, abandoned or cancelled. The rest of the escrow is refunded at `closed`.
 */
export const closingEvents = (job: Job, now: number, expectedMsOf: ExpectedMsOf = () => undefined): JobEvent[] => {
  if (job.closed !== null) return []
  const events: JobEvent[] = []
  const withdrawn = job.cancelRequested ? [...job.waiting] : []
  if (withdrawn.length > 0) events.push({ type: 'withdrawn', at: now, tasks: withdrawn })
  const waiting = job.counts.waiting - withdrawn.length
  const kept = slotsKept(job, now)
  for (const state of job.leases.values()) {
    if (state.phase === 'closed' || !isIdle(job, state)) continue
    const { id } = state.lease.record
    if (waiting === 0)
      events.push({ type: 'lease-closed', at: now, lease: id, reason: job.cancelRequested ? 'cancelled' : 'done' })
    else if (kept.get(id) === 0) events.push({ type: 'lease-closed', at: now, lease: id, reason: 'done' })
    else if (state.phase === 'open' && roundsLeft(state, now, expectedMsOf(id)) === 0) {
      const reason = state.notice === null ? 'expired' : 'returned'
      events.push({ type: 'lease-closed', at: now, lease: id, reason })
    }
  }
  if (waiting + job.counts.running + job.counts.accepted === 0) {
    const outcome = withdrawn.length > 0 && job.counts.abandoned === 0 ? 'cancelled' : outcomeOf(job)
    events.push({ type: 'closed', at: now, outcome, refund: job.spec.ceiling - job.paid })
  }
  return events
}
