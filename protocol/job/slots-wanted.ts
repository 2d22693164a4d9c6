import type { LeaseId } from '../id/id.ts'
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
  for (const state of job.leases.values()) if (takesWork(state, now)) held += state.slots
  return job.counts.waiting === 0 ? 0 : Math.max(0, Math.min(job.slots, unfinished) - held)
}

/**
 * How many slots a job that was resized keeps of each lease that takes work: of the cheapest first, then of the oldest, as many as
 * it asks for. A lease that is not named keeps what it has, as does every lease of a job that was never resized.
 */
export const slotsKept = (job: Job, now: number): ReadonlyMap<LeaseId, number> => {
  const kept = new Map<LeaseId, number>()
  if (job.resizes.length === 0) return kept
  const held = [...job.leases.values()].filter((state) => takesWork(state, now))
  held.sort((a, b) => {
    const difference = a.lease.record.price.nanoUsd - b.lease.record.price.nanoUsd
    return difference < 0n ? -1 : Number(difference > 0n)
  })
  let left = job.slots
  for (const { lease, slots } of held) {
    kept.set(lease.record.id, Math.min(slots, left))
    left = Math.max(0, left - slots)
  }
  return kept
}
