import type { LeaseId } from '../id/id.ts'
import { takesWork } from '../lease/lease-state.ts'
import type { AttemptRef, JobEvent } from './job-event.ts'
import type { Job } from './job.ts'

/** How many attempts a lease may hold per slot: one running, the rest queued at the agent so that no slot waits for the wire. */
export type DepthOf = (lease: LeaseId) => number

/**
 * The attempts to dispatch now: waiting tasks in order, dealt to the emptiest lease first.
 * Near the end of the job each slot is given its fair share only, so that no queue is left behind idle slots.
 */
export const nextDispatch = (job: Job, depthOf: DepthOf, now: number): Extract<JobEvent, { type: 'dispatched' }>[] => {
  if (job.cancelRequested || job.waiting.size === 0) return []
  const open = [...job.leases.values()].filter((state) => takesWork(state, now))
  const slots = open.reduce((sum, state) => sum + state.lease.record.slots, 0)
  if (slots === 0) return []
  const share = Math.max(1, Math.ceil((job.waiting.size + job.counts.running) / slots))
  const waiting = job.waiting.values()
  const events: Extract<JobEvent, { type: 'dispatched' }>[] = []
  const rooms = open.map((state) => {
    const { id, slots: width } = state.lease.record
    const held = job.inFlight.get(id)?.size ?? 0
    const attempts: AttemptRef[] = []
    return { id, width, provider: state.provider, limit: width * Math.min(depthOf(id), share), held, attempts }
  })
  for (const index of waiting) {
    const tried = new Set(
      job.tasks[index]?.attempts.filter(({ phase }) => phase === 'failed').map(({ lease }) => lease),
    )
    const free = rooms.filter(({ held, limit }) => held < limit)
    const fresh = free.filter(({ id }) => !tried.has(id))
    const [first, ...rest] = fresh.length > 0 ? fresh : free
    if (first === undefined) break
    const room = rest.reduce((best, next) => (next.held / next.width < best.held / best.width ? next : best), first)
    room.attempts.push({ index, fence: (job.tasks[index]?.fence ?? 0) + 1 })
    room.held++
  }
  for (const { id, attempts } of rooms) {
    if (attempts.length > 0) events.push({ type: 'dispatched', at: now, lease: id, attempts })
  }
  return events
}
