import type { LeaseId } from '../id/id.ts'
import { roundsLeft } from '../lease/lease-state.ts'
import type { Address } from '../signature/address.ts'
import { newTask, type TaskState } from '../task/task.ts'
import type { AttemptRef, JobEvent } from './job-event.ts'
import type { Job } from './job.ts'
import { slotsKept } from './slots-wanted.ts'

/** How many attempts a lease may hold per slot: one running, the rest queued at the agent so that no slot waits for the wire. */
export type DepthOf = (lease: LeaseId) => number
/** How long an attempt holds a slot of the lease, where that is known. */
export type ExpectedMsOf = (lease: LeaseId) => number | undefined

interface Room {
  readonly id: LeaseId
  readonly provider: Address
  readonly width: number
  readonly limit: number
  readonly attempts: AttemptRef[]
  held: number
}

/** Where a task may go: to providers it has not failed at, else to leases it has not failed on, else anywhere. */
const roomsFor = (rooms: readonly Room[], { leases }: Job, { attempts }: TaskState): readonly Room[] => {
  const failed = attempts.flatMap(({ phase, lease }) => (phase === 'failed' ? [lease] : []))
  if (failed.length === 0) return rooms
  const providers = new Set(failed.map((id) => leases.get(id)?.provider))
  const elsewhere = rooms.filter(({ provider }) => !providers.has(provider))
  if (elsewhere.length > 0) return elsewhere
  const untried = rooms.filter(({ id }) => !failed.includes(id))
  return untried.length > 0 ? untried : rooms
}

const emptiest = (rooms: readonly Room[]): Room | undefined => {
  const [first, ...rest] = rooms.filter(({ held, limit }) => held < limit)
  return first && rest.reduce((best, next) => (next.held / next.width < best.held / best.width ? next : best), first)
}

/**
 * The attempts to dispatch now: waiting tasks in order, dealt to the emptiest lease first. A task that failed waits for
 * room somewhere else as long as a lease that takes work is somewhere else, and goes back only when none is.
 * Near the end of the job each slot is given its fair share only, so that no queue is left behind idle slots. A lease under notice
 * gets what ends in time, and slots that the job gives back get nothing.
 */
export const nextDispatch = (
  job: Job,
  depthOf: DepthOf,
  now: number,
  expectedMsOf: ExpectedMsOf = () => undefined,
): Extract<JobEvent, { type: 'dispatched' }>[] => {
  if (job.cancelRequested || job.waiting.size === 0) return []
  const kept = slotsKept(job, now)
  const open = [...job.leases.values()].flatMap((state) => {
    const { id } = state.lease.record
    const rounds = roundsLeft(state, now, expectedMsOf(id))
    const width = kept.get(id) ?? state.slots
    return rounds > 0 && width > 0 ? [{ id, provider: state.provider, rounds, width }] : []
  })
  const slots = open.reduce((sum, { width }) => sum + width, 0)
  if (slots === 0) return []
  const share = Math.max(1, Math.ceil((job.waiting.size + job.counts.running) / slots))
  const events: Extract<JobEvent, { type: 'dispatched' }>[] = []
  const rooms = open.map(({ id, provider, rounds, width }): Room => {
    const held = job.inFlight.get(id)?.size ?? 0
    return { id, width, provider, limit: width * Math.min(depthOf(id), share, rounds), held, attempts: [] }
  })
  let free = rooms.reduce((sum, { held, limit }) => sum + Math.max(0, limit - held), 0)
  for (const index of job.waiting) {
    if (free <= 0) break
    const task = job.tasks[index] ?? newTask
    const room = emptiest(roomsFor(rooms, job, task))
    if (room === undefined) continue
    room.attempts.push({ index, fence: task.fence + 1 })
    room.held++
    free--
  }
  for (const { id, attempts } of rooms) {
    if (attempts.length > 0) events.push({ type: 'dispatched', at: now, lease: id, attempts })
  }
  return events
}
