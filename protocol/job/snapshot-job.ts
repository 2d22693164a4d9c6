import type { AttemptState } from '../attempt/attempt.ts'
import type { DeclaredOutput, NamedBlob } from '../claim/claim.ts'
import type { Digest } from '../digest/digest.ts'
import type { Problem } from '../error/problem.ts'
import type { JobId, LeaseId, TenantId } from '../id/id.ts'
import type { LeaseState } from '../lease/lease-state.ts'
import type { NanoUsd } from '../money/money.ts'
import type { SignedOrder } from '../order/order.ts'
import type { SignedResize } from '../order/resize.ts'
import { newTask, taskPhase, type TaskState } from '../task/task.ts'
import { canonicalProblem } from './canonical-event.ts'
import type { JobOutcome } from './job-event.ts'
import type { CommittedSpec } from './commit-spec.ts'
import type { Job } from './job.ts'
import { restoreAmendment, restoreLease, restoreOrder, restoreReservation, restoreSpec } from './restore-event.ts'

type Attempt = readonly [fence: number, lease: number, phase: string, claim: string | null, receipt: string | null]

/** A job as `encodeCanonical` takes it. Maps are lists of pairs; an attempt names its lease by place in `leases`. */
export interface JobSnapshot {
  readonly format: 1
  readonly id: JobId
  readonly tenant: TenantId
  readonly spec: CommittedSpec
  readonly order: SignedOrder
  readonly operators: number
  readonly execSpec: Digest | ''
  readonly declaredOutputs: readonly DeclaredOutput[]
  readonly submittedAt: number
  readonly leases: readonly LeaseState[]
  /** Tasks that were dispatched or ended: the others are as new. */
  readonly tasks: readonly (readonly [index: number, ended: TaskState['ended'], attempts: readonly Attempt[]])[]
  /** In the order in which they wait: retried ones stand behind. */
  readonly waiting: readonly number[]
  readonly inFlight: readonly (readonly number[])[]
  readonly outputs: readonly (readonly [index: number, outputs: readonly NamedBlob[]])[]
  readonly problems: readonly (readonly [index: number, problem: Problem])[]
  readonly excused?: readonly (readonly [index: number, failures: number])[]
  readonly amounts: readonly (readonly [index: number, amount: NanoUsd])[]
  readonly charged: NanoUsd
  readonly paid: NanoUsd
  readonly resizes?: readonly SignedResize[]
  readonly cancelRequested: boolean
  readonly unmatched: Problem | null
  readonly closed: JobOutcome | null
}

/** The job as plain data. Later steps of the job do not show in it. */
export const snapshotJob = (job: Job): JobSnapshot => {
  const leases = [...job.leases.keys()]
  const place = new Map(leases.map((id, index) => [id, index]))
  return {
    format: 1,
    id: job.id,
    tenant: job.tenant,
    spec: job.spec,
    order: job.order,
    operators: job.operators,
    execSpec: job.execSpec,
    declaredOutputs: job.declaredOutputs,
    submittedAt: job.submittedAt,
    leases: [...job.leases.values()],
    tasks: [...job.tasks.entries()]
      .filter(([, task]) => task.fence > 0 || task.ended !== null)
      .map(([index, { ended, attempts }]) => [
        index,
        ended,
        attempts.map(({ fence, lease, phase, claim, receipt }): Attempt => [
          fence,
          place.get(lease) ?? -1,
          phase,
          claim,
          receipt,
        ]),
      ]),
    waiting: [...job.waiting],
    inFlight: leases.map((id) => [...(job.inFlight.get(id) ?? [])]),
    outputs: [...job.outputs],
    problems: [...job.problems].map(([index, problem]) => [index, canonicalProblem(problem)]),
    ...(job.excused.size === 0 ? {} : { excused: [...job.excused] }),
    amounts: [...job.amounts],
    charged: job.charged,
    paid: job.paid,
    ...(job.resizes.length === 0 ? {} : { resizes: [...job.resizes] }),
    cancelRequested: job.cancelRequested,
    unmatched: job.unmatched === null ? null : canonicalProblem(job.unmatched),
    closed: job.closed,
  }
}

const restoreTasks = (snapshot: JobSnapshot, leases: readonly LeaseId[]): TaskState[] => {
  const tasks = snapshot.spec.tasks.map((): TaskState => newTask)
  for (const [index, ended, attempts] of snapshot.tasks) {
    tasks[index] = {
      fence: attempts.at(-1)?.[0] ?? 0,
      ended,
      attempts: attempts.map(([fence, lease, phase, claim, receipt]) => {
        const state = { fence, lease: leases[lease], phase, claim, receipt }
        return state as AttemptState
      }),
    }
  }
  return tasks
}

/** A lease as versions before terms wrote it: without what a lease has since. */
type PlainLeaseState = Omit<LeaseState, NewOfLease> &
  Partial<Pick<LeaseState, NewOfLease>> & { readonly noticedAt?: number | null }
type NewOfLease = 'slots' | 'until' | 'amendments' | 'notice' | 'isBroken'

const restoreLeaseState = ({ noticedAt = null, ...state }: PlainLeaseState): LeaseState => {
  const { slots, paidUntil } = state.lease.record
  const noticed = noticedAt === null ? null : { at: noticedAt, endsAt: paidUntil, takesWork: false }
  return {
    slots,
    until: paidUntil,
    notice: noticed,
    isBroken: false,
    ...state,
    lease: restoreLease(state.lease),
    reservation: restoreReservation(state.reservation),
    amendments: (state.amendments ?? []).map(restoreAmendment),
  }
}

/** The job of a snapshot, also of one that went through canonical CBOR. It shares nothing that changes with it. */
export const restoreJob = (decoded: unknown): Job => {
  const snapshot = decoded as JobSnapshot
  if (snapshot.format !== 1) throw new TypeError('a snapshot of a job in a format this version does not know')
  const leases = snapshot.leases.map(restoreLeaseState)
  const ids = leases.map(({ lease }) => lease.record.id)
  const tasks = restoreTasks(snapshot, ids)
  const counts: Job['counts'] = { waiting: 0, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 }
  for (const task of tasks) counts[taskPhase(task)]++
  return {
    id: snapshot.id,
    tenant: snapshot.tenant,
    spec: restoreSpec(snapshot.spec),
    order: restoreOrder(snapshot.order),
    operators: snapshot.operators,
    execSpec: snapshot.execSpec,
    declaredOutputs: snapshot.declaredOutputs,
    submittedAt: snapshot.submittedAt,
    tasks,
    leases: new Map(leases.map((state) => [state.lease.record.id, state])),
    inFlight: new Map(ids.map((id, index) => [id, new Set(snapshot.inFlight[index])])),
    waiting: new Set(snapshot.waiting),
    counts,
    outputs: new Map(snapshot.outputs),
    problems: new Map(snapshot.problems),
    excused: new Map(snapshot.excused),
    amounts: new Map(snapshot.amounts.map(([index, amount]) => [index, BigInt(amount)])),
    charged: BigInt(snapshot.charged),
    paid: BigInt(snapshot.paid),
    slots: snapshot.resizes?.at(-1)?.record.slots ?? snapshot.spec.slots,
    resizes: [...(snapshot.resizes ?? [])],
    cancelRequested: snapshot.cancelRequested,
    unmatched: snapshot.unmatched,
    closed: snapshot.closed,
  }
}
