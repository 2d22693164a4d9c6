import type { CloseReason, LeaseId, World } from '@muster/protocol'
import { attemptsOf } from '../attempt/attempts-of.ts'
import type { Draft } from '../job/draft.ts'
import { returnBond } from '../ledger/bond.ts'

/** Gives up a lease: its attempts are lost, which fences them. The bond goes back, since a lost machine is no lie. */
export const loseLease = (draft: Draft, id: LeaseId, reason: CloseReason, world: World): void => {
  const state = draft.job.leases.get(id)
  if (state === undefined || state.phase === 'closed') return
  const attempts = attemptsOf(draft.job, id)
  if (attempts.length > 0) draft.emit({ type: 'lost', at: draft.now, attempts })
  draft.emit({ type: 'lease-closed', at: draft.now, lease: id, reason })
  returnBond(draft, state.lease.record, world)
}
