import { takesWork } from '../lease/lease-state.ts'
import type { Job } from './job.ts'

/**
 * Slots the job should still win in an auction: what it asked for, or its unfinished tasks if fewer, less what it holds.
 * None once its order has expired, since no agent answers it then.
 */
export const slotsWanted = (job: Job, now: number): number => {
  if (job.cancelRequested || job.closed !== null || job.order.record.expiresAt <= now) return 0
  const unfinished = job.counts.waiting + job.counts.running
  let held = 0
  for (const state of job.leases.values()) if (takesWork(state, now)) held += state.lease.record.slots
  return job.counts.waiting === 0 ? 0 : Math.max(0, Math.min(job.spec.slots, unfinished) - held)
}
