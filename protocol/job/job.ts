import type { NamedBlob } from '../claim/claim.ts'
import type { Problem } from '../error/problem.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { JobId, LeaseId, TenantId } from '../id/id.ts'
import { openLease, stepLease, type LeaseState, type LeaseStep } from '../lease/lease-state.ts'
import type { NanoUsd } from '../money/money.ts'
import type { SignedOrder } from '../order/order.ts'
import { newTask, stepTask, taskPhase, type TaskPhase, type TaskState, type TaskStep } from '../task/task.ts'
import type { JobEvent, JobOutcome } from './job-event.ts'
import type { JobSpec } from './job-spec.ts'

/**
 * A job with its tasks, leases and attempts: the fold of its events. Task and lease states in it are immutable values;
 * the containers are folded in place, since a job has one writer and 10,000 tasks.
 */
export interface Job {
  readonly id: JobId
  readonly tenant: TenantId
  readonly spec: JobSpec
  readonly order: SignedOrder
  readonly operators: number
  readonly submittedAt: number
  readonly tasks: TaskState[]
  readonly leases: Map<LeaseId, LeaseState>
  /** Attempts running or claimed per lease, as task indexes. */
  readonly inFlight: Map<LeaseId, Set<number>>
  readonly waiting: Set<number>
  readonly counts: Record<TaskPhase, number>
  readonly outputs: Map<number, readonly NamedBlob[]>
  readonly problems: Map<number, Problem>
  /** Sum of the receipts of accepted attempts. */
  charged: NanoUsd
  /** Sum of the receipts of final attempts: what has left the escrow. */
  paid: NanoUsd
  readonly amounts: Map<number, NanoUsd>
  cancelRequested: boolean
  unmatched: Problem | null
  closed: JobOutcome | null
}

const create = (event: Extract<JobEvent, { type: 'submitted' }>): Job => ({
  id: event.job,
  tenant: event.tenant,
  spec: event.spec,
  order: event.order,
  operators: event.operators,
  submittedAt: event.at,
  tasks: event.spec.tasks.map(() => newTask),
  leases: new Map(),
  inFlight: new Map(),
  waiting: new Set(event.spec.tasks.keys()),
  counts: { waiting: event.spec.tasks.length, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 },
  outputs: new Map(),
  problems: new Map(),
  charged: 0n,
  paid: 0n,
  amounts: new Map(),
  cancelRequested: false,
  unmatched: null,
  closed: null,
})

const stepTaskAt = (job: Job, index: number, step: TaskStep): void => {
  const before = job.tasks[index]
  if (before === undefined) throw refuseTransition('job', 'without this task', step.type, { index })
  const after = stepTask(before, step)
  const [from, to] = [taskPhase(before), taskPhase(after)]
  job.tasks[index] = after
  if (from === to) return
  job.counts[from]--
  job.counts[to]++
  if (from === 'waiting') job.waiting.delete(index)
  if (to === 'waiting') job.waiting.add(index)
  const lease = after.attempts.at(-1)?.lease
  if (lease === undefined) return
  if (to === 'running') job.inFlight.get(lease)?.add(index)
  if (from === 'running') job.inFlight.get(lease)?.delete(index)
}

const stepLeaseAt = (job: Job, id: LeaseId, step: LeaseStep): void => {
  const before = job.leases.get(id)
  if (before === undefined) throw refuseTransition('job', 'without this lease', step.type, { lease: id })
  job.leases.set(id, stepLease(before, step))
}

const stepAll = (
  job: Job,
  type: 'finalised' | 'overturned' | 'lost' | 'cancelled',
  refs: readonly { index: number; fence: number }[],
) => {
  for (const { index, fence } of refs) stepTaskAt(job, index, { type, fence })
}

const fold = (job: Job, event: Exclude<JobEvent, { type: 'submitted' }>): void => {
  switch (event.type) {
    case 'unmatched':
      job.unmatched = event.problem
      return
    case 'lease-opened': {
      const { id } = event.lease.record
      if (job.leases.has(id)) throw refuseTransition('job', 'holding this lease', event.type, { lease: id })
      job.leases.set(id, openLease(event.lease, event.reservation))
      job.inFlight.set(id, new Set())
      job.unmatched = null
      return
    }
    case 'lease-suspected':
      return stepLeaseAt(job, event.lease, { type: 'suspected', at: event.at })
    case 'lease-recovered':
      return stepLeaseAt(job, event.lease, { type: 'recovered' })
    case 'lease-noticed':
      return stepLeaseAt(job, event.lease, { type: 'noticed', at: event.at })
    case 'lease-closed': {
      const left = job.inFlight.get(event.lease)?.size ?? 0
      if (left > 0)
        throw refuseTransition('lease', 'holding attempts', event.type, { lease: event.lease, attempts: left })
      return stepLeaseAt(job, event.lease, { type: 'closed', reason: event.reason })
    }
    case 'dispatched':
      for (const { index, fence } of event.attempts) {
        if (job.leases.get(event.lease)?.phase !== 'open') {
          throw refuseTransition('lease', job.leases.get(event.lease)?.phase ?? 'unknown', event.type, {
            lease: event.lease,
          })
        }
        stepTaskAt(job, index, { type: 'dispatched', fence, lease: event.lease })
      }
      return
    case 'claimed':
      for (const { index, fence, claim } of event.attempts) stepTaskAt(job, index, { type: 'claimed', fence, claim })
      return
    case 'accepted':
      for (const { index, fence, receipt, amount, outputs } of event.attempts) {
        stepTaskAt(job, index, { type: 'accepted', fence, receipt })
        job.outputs.set(index, outputs)
        job.amounts.set(index, amount)
        job.charged += amount
      }
      return
    case 'finalised':
      stepAll(job, 'finalised', event.attempts)
      for (const { index } of event.attempts) job.paid += job.amounts.get(index) ?? 0n
      return
    case 'overturned':
      stepAll(job, 'overturned', event.attempts)
      for (const { index } of event.attempts) {
        job.charged -= job.amounts.get(index) ?? 0n
        job.amounts.delete(index)
        job.outputs.delete(index)
      }
      return
    case 'lost':
      return stepAll(job, 'lost', event.attempts)
    case 'cancelled-attempts':
      return stepAll(job, 'cancelled', event.attempts)
    case 'failed':
      for (const { index, fence, problem } of event.attempts) {
        stepTaskAt(job, index, { type: 'failed', fence })
        job.problems.set(index, problem)
      }
      return
    case 'abandoned':
      for (const index of event.tasks) {
        stepTaskAt(job, index, { type: 'abandoned' })
        job.problems.set(index, event.problem)
      }
      return
    case 'withdrawn':
      for (const index of event.tasks) stepTaskAt(job, index, { type: 'withdrawn' })
      return
    case 'cancel-requested':
      job.cancelRequested = true
      return
    case 'closed':
      if (job.counts.waiting + job.counts.running + job.counts.accepted > 0) {
        throw refuseTransition('job', 'unfinished', event.type, { ...job.counts })
      }
      job.closed = event.outcome
  }
}

/** The job after an event: created by `submitted`, then folded in place. Throws `transition_refused` or `attempt_fenced`. */
export const stepJob = (job: Job | undefined, event: JobEvent): Job => {
  if (event.type === 'submitted') {
    if (job !== undefined) throw refuseTransition('job', 'submitted', event.type)
    return create(event)
  }
  if (job === undefined) throw refuseTransition('job', 'not submitted', event.type)
  if (job.closed !== null) throw refuseTransition('job', `closed (${job.closed})`, event.type)
  fold(job, event)
  return job
}

export const replayJob = (events: Iterable<JobEvent>, from?: Job): Job | undefined => {
  let job = from
  for (const event of events) job = stepJob(job, event)
  return job
}
