import { bondAccount, newId, stakeAccount, transfer, type Lease, type World } from '@muster/protocol'
import type { Draft } from '../job/draft.ts'

/** Ties part of the provider's stake to a lease. The commit fails with `insufficient_bond` where the stake does not cover it. */
export const tieBond = (draft: Draft, { id, provider, bond }: Lease, world: World): void => {
  if (bond === 0n) return
  const [from, to] = [stakeAccount(provider), bondAccount(id)]
  draft.entries.push(transfer({ id: newId(world, 'entry'), kind: 'bond', from, to, amount: bond, at: draft.now }))
}

/** Gives the bond of a lease back to the provider's stake. */
export const returnBond = (draft: Draft, { id, provider, bond }: Lease, world: World): void => {
  if (bond === 0n) return
  const [from, to] = [bondAccount(id), stakeAccount(provider)]
  draft.entries.push(
    transfer({ id: newId(world, 'entry'), kind: 'bond-return', from, to, amount: bond, at: draft.now }),
  )
}
