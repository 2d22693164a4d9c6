import {
  closingEvents,
  escrowAccount,
  exhaustedTasks,
  expiredTasks,
  newId,
  nextDispatch,
  tenantAccount,
  transfer,
  type Job,
  type JobEvent,
  type LeaseId,
  type Problem,
  type World,
} from '@muster/protocol'
import { deniedTasks } from '../admin/denied-tasks.ts'
import { workloadOf, type DispatchDepth } from '../lease/dispatch-depth.ts'
import { returnBond } from '../ledger/bond.ts'
import type { Draft } from './draft.ts'

export interface PlanTurnModules {
  readonly world: World
  readonly depth: Pick<DispatchDepth, 'of' | 'expectedMs'>
  /** What the job is refused with, where its tenant or its program is denied. */
  readonly denialOf?: (job: Job) => Problem | undefined
}

const moveMoney = (event: JobEvent, draft: Draft, world: World): void => {
  if (event.type === 'lease-closed') {
    const state = draft.job.leases.get(event.lease)
    if (state !== undefined) returnBond(draft, state.lease.record, world)
  }
  if (event.type === 'closed' && event.refund > 0n) {
    const [from, to] = [escrowAccount(draft.job.id), tenantAccount(draft.job.tenant)]
    const id = newId(world, 'entry')
    draft.entries.push(transfer({ id, kind: 'refund', from, to, amount: event.refund, at: draft.now }))
  }
}

/** Tasks are used up by what a turn loses or fails only, so the waiting ones need no look at every turn. */
const mayExhaust = ({ events }: Draft): boolean =>
  events.length === 0 || events.some(({ type }) => type === 'failed' || type === 'lost')

/** What follows by itself at the end of a turn, with the money it moves: tasks given up, leases and the job closed, tasks dispatched. */
export const planTurn = (draft: Draft, { world, depth, denialOf }: PlanTurnModules): void => {
  if (draft.job.closed !== null) return
  if (mayExhaust(draft)) for (const event of exhaustedTasks(draft.job, draft.now)) draft.emit(event)
  for (const event of expiredTasks(draft.job, draft.now)) draft.emit(event)
  const denial = denialOf?.(draft.job)
  if (denial !== undefined) for (const event of deniedTasks(draft.job, denial, draft.now)) draft.emit(event)
  const workload = workloadOf(draft.job.spec)
  const expectedMsOf = (lease: LeaseId): number | undefined => depth.expectedMs(lease, workload)
  for (const event of closingEvents(draft.job, draft.now, expectedMsOf)) {
    draft.emit(event)
    moveMoney(event, draft, world)
  }
  if (draft.job.closed !== null) return
  const depthOf = (lease: LeaseId): number => depth.of(lease, workload)
  for (const event of nextDispatch(draft.job, depthOf, draft.now, expectedMsOf)) draft.emit(event)
}
