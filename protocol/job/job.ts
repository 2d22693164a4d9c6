import type { DeclaredOutput, NamedBlob } from '../claim/claim.ts'
import { digestOf, type Digest } from '../digest/digest.ts'
import type { Problem } from '../error/problem.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { JobId, LeaseId, TenantId } from '../id/id.ts'
import { openLease, stepLease, type LeaseState, type LeaseStep } from '../lease/lease-state.ts'
import type { NanoUsd } from '../money/money.ts'
import type { SignedOrder } from '../order/order.ts'
import type { SignedResize } from '../order/resize.ts'
import { newTask, stepTask, taskPhase, type TaskPhase, type TaskState, type TaskStep } from '../task/task.ts'
import type { JobEvent, JobOutcome } from './job-event.ts'
import type { CommittedSpec } from './commit-spec.ts'

/**
 * A job with its tasks, leases and attempts: the fold of its events. Task and lease states in it are immutable values;
 * the containers are folded in place, since a job has one writer and 10,000 tasks.
 */
export interface Job {
  readonly id: JobId
  readonly tenant: TenantId
  readonly spec: CommittedSpec
  readonly order: SignedOrder
  readonly operators: number
  readonly execSpec: Digest | ''
  readonly declaredOutputs: readonly DeclaredOutput[]
  readonly submittedAt: number
  readonly tasks: TaskState[]
  readonly leases: Map<LeaseId, LeaseState>
  /** Attempts running or claimed per lease, as task indexes. */
  readonly inFlight: Map<LeaseId, Set<number>>
  readonly waiting: Set<number>
  readonly counts: Record<TaskPhase, number>
  readonly outputs: Map<number, readonly NamedBlob[]>
  readonly problems: Map<number, Problem>
  /** By task, how many of its failures were not its own: a full disk, a runtime that does not start. */
  readonly excused: Map<number, number>
  /** Sum of the receipts of accepted attempts. */
  charged: NanoUsd
  /** Sum of the receipts of final attempts: what has left the escrow. */
  paid: NanoUsd
  readonly amounts: Map<number, NanoUsd>
  /** How many slots it wants at once: as its spec says, or its last resize. */
  slots: number
  readonly resizes: SignedResize[]
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
  execSpec: event.execSpec,
  declaredOutputs: event.declaredOutputs,
  submittedAt: event.at,
  tasks: event.spec.tasks.map(() => newTask),
  leases: new Map(),
  inFlight: new Map(),
  waiting: new Set(event.spec.tasks.keys()),
  counts: { waiting: event.spec.tasks.length, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 },
  outputs: new Map(),
  problems: new Map(),
  excused: new Map(),
  charged: 0n,
  paid: 0n,
  amounts: new Map(),
  slots: event.spec.slots,
  resizes: [],
  cancelRequested: false,
  unmatched: null,
  closed: null,
})

/** The tasks after all these steps, none of which is taken yet: one that is refused leaves the job as it was. */
const stage = (job: Job, steps: readonly { readonly index: number; readonly step: TaskStep }[]) => {
  const staged = new Map<number, TaskState>()
  for (const { index, step } of steps) {
    const before = staged.get(index) ?? job.tasks[index]
    if (before === undefined) throw refuseTransition('job', 'without this task', step.type, { index })
    staged.set(index, stepTask(before, step))
  }
  return staged
}

const commit = (job: Job, staged: ReadonlyMap<number, TaskState>): void => {
  for (const [index, after] of staged) {
    const before = job.tasks[index] ?? newTask
    const [from, to] = [taskPhase(before), taskPhase(after)]
    job.tasks[index] = after
    if (from === to) continue
    job.counts[from]--
    job.counts[to]++
    if (from === 'waiting') job.waiting.delete(index)
    if (to === 'waiting') job.waiting.add(index)
    const lease = after.attempts.at(-1)?.lease
    if (lease === undefined) continue
    if (to === 'running') job.inFlight.get(lease)?.add(index)
    if (from === 'running') job.inFlight.get(lease)?.delete(index)
  }
}

const stepTasks = <Ref extends { readonly index: number }>(
  job: Job,
  refs: readonly Ref[],
  stepOf: (ref: Ref) => TaskStep,
): void => {
  const staged = stage(
    job,
    refs.map((ref) => ({ index: ref.index, step: stepOf(ref) })),
  )
  commit(job, staged)
}

const stepLeaseAt = (job: Job, id: LeaseId, step: LeaseStep): void => {
  const before = job.leases.get(id)
  if (before === undefined) throw refuseTransition('job', 'without this lease', step.type, { lease: id })
  job.leases.set(id, stepLease(before, step))
}

/** Whether a failure says nothing of the task. */
const isExcused = ({ fault }: Problem): boolean => fault !== 'program' && fault !== 'tenant'

const requireOpen = (job: Job, lease: LeaseId): void => {
  const phase = job.leases.get(lease)?.phase ?? 'unknown'
  if (phase !== 'open') throw refuseTransition('lease', phase, 'dispatched', { lease })
}

const requireFinished = (job: Job): void => {
  const { waiting, running, accepted } = job.counts
  const leases = [...job.leases.values()].filter(({ phase }) => phase !== 'closed').length
  if (waiting + running + accepted + leases > 0) {
    throw refuseTransition('job', 'unfinished', 'closed', { ...job.counts, leases })
  }
}

const requireNext = (job: Job, { record }: SignedResize): void => {
  const { number, order } = record
  if (number !== job.resizes.length + 1 || order !== digestOf(job.order.record))
    throw refuseTransition('job', `resized ${job.resizes.length} times`, 'resized', { number })
}

const fold = (job: Job, event: Exclude<JobEvent, { type: 'submitted' }>): void => {
  switch (event.type) {
    case 'auctioned':
      return
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
      return stepLeaseAt(job, event.lease, {
        type: 'noticed',
        at: event.at,
        endsAt: event.endsAt ?? Infinity,
        takesWork: event.takesWork ?? false,
      })
    case 'lease-amended':
      return stepLeaseAt(job, event.lease, { type: 'amended', at: event.at, amendment: event.amendment })
    case 'lease-closed': {
      const left = job.inFlight.get(event.lease)?.size ?? 0
      if (left > 0)
        throw refuseTransition('lease', 'holding attempts', event.type, { lease: event.lease, attempts: left })
      return stepLeaseAt(job, event.lease, { type: 'closed', at: event.at, reason: event.reason })
    }
    case 'dispatched':
      requireOpen(job, event.lease)
      return stepTasks(job, event.attempts, ({ fence }) => ({ type: 'dispatched', fence, lease: event.lease }))
    case 'claimed':
      return stepTasks(job, event.attempts, ({ fence, claim }) => ({ type: 'claimed', fence, claim }))
    case 'accepted':
      stepTasks(job, event.attempts, ({ fence, receipt }) => ({ type: 'accepted', fence, receipt }))
      for (const { index, amount, outputs } of event.attempts) {
        job.outputs.set(index, outputs)
        job.amounts.set(index, amount)
        job.charged += amount
      }
      return
    case 'finalised':
      stepTasks(job, event.attempts, ({ fence }) => ({ type: 'finalised', fence }))
      for (const { index } of event.attempts) job.paid += job.amounts.get(index) ?? 0n
      return
    case 'overturned':
      stepTasks(job, event.attempts, ({ fence }) => ({ type: 'overturned', fence }))
      for (const { index } of event.attempts) {
        job.charged -= job.amounts.get(index) ?? 0n
        job.amounts.delete(index)
        job.outputs.delete(index)
      }
      return
    case 'lost':
      return stepTasks(job, event.attempts, ({ fence }) => ({ type: 'lost', fence }))
    case 'cancelled-attempts':
      return stepTasks(job, event.attempts, ({ fence }) => ({ type: 'cancelled', fence }))
    case 'failed':
      stepTasks(job, event.attempts, ({ fence }) => ({ type: 'failed', fence }))
      for (const { index, problem } of event.attempts) {
        job.problems.set(index, problem)
        if (isExcused(problem)) job.excused.set(index, 1 + (job.excused.get(index) ?? 0))
      }
      return
    case 'abandoned':
      stepTasks(
        job,
        event.tasks.map((index) => ({ index })),
        () => ({ type: 'abandoned' }),
      )
      for (const index of event.tasks) job.problems.set(index, event.problem)
      return
    case 'withdrawn':
      return stepTasks(
        job,
        event.tasks.map((index) => ({ index })),
        () => ({ type: 'withdrawn' }),
      )
    case 'resized':
      requireNext(job, event.resize)
      job.slots = event.resize.record.slots
      job.resizes.push(event.resize)
      return
    case 'cancel-requested':
      job.cancelRequested = true
      return
    case 'closed':
      requireFinished(job)
      job.closed = event.outcome
  }
}

/**
 * The job after an event: created by `submitted`, then folded in place. Throws `transition_refused` or `attempt_fenced`;
 * a refused event changes nothing, also where it names many tasks and only the last is refused.
 */
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
