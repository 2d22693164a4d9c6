import { stakeAccount, type Address, type Log, type NanoUsd } from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface BondCoverModules {
  readonly store: Store
  readonly bondPerSlot: NanoUsd
  readonly log: Log
}

/** For how many slots the free stake of each provider covers the bond now. */
export type BondCover = (providers: ReadonlySet<Address>) => Promise<ReadonlyMap<Address, number>>

/** Where the store does not answer every provider counts as covered: a lease without a bond is refused all the same. */
export const createBondCover = ({ store, bondPerSlot, log }: BondCoverModules): BondCover => {
  const slotsOf = (stake: bigint): number => (bondPerSlot === 0n ? Infinity : Number(stake / bondPerSlot))
  return async (providers) => {
    const all = [...providers]
    if (bondPerSlot === 0n) return new Map(all.map((provider) => [provider, Infinity]))
    try {
      const balances = await store.ledger.balances(all.map(stakeAccount))
      return new Map(all.map((provider) => [provider, slotsOf(balances.get(stakeAccount(provider)) ?? 0n)]))
    } catch (error) {
      log.info('could not read what providers have at stake', { error })
      return new Map(all.map((provider) => [provider, Infinity]))
    }
  }
}
