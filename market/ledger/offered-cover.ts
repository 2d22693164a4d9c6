import type { Address, World } from '@muster/protocol'
import type { ListStanding } from '../auction/find-offers.ts'
import type { Supply } from '../supply/supply.ts'
import type { BondCover } from './bond-cover.ts'

export interface OfferedCoverModules {
  readonly world: World
  readonly supply: Pick<Supply, 'heldSlots'>
  readonly listStanding: ListStanding
  readonly bondCover: BondCover
}

/** Who offers slots, and for how many of them the stake covers the bond. */
export type OfferedCover = () => Promise<ReadonlyMap<Address, number>>

const freshMs = 1_000

/**
 * What the stake of each provider with slots to sell covers. Read at most once a second, whoever asks: anyone may.
 * A provider of whom slots are taken is left out: its stake may be tied up by those.
 */
export const createOfferedCover = ({ world, supply, listStanding, bondCover }: OfferedCoverModules): OfferedCover => {
  let known: { readonly cover: Promise<ReadonlyMap<Address, number>>; readonly at: number } | undefined
  const read = async (): Promise<ReadonlyMap<Address, number>> => {
    const selling = new Set<Address>()
    for (const { record } of await listStanding(false)) {
      if (record.slots > 0 && supply.heldSlots(record.provider) === 0) selling.add(record.provider)
    }
    return bondCover(selling)
  }
  return () => {
    if (known !== undefined && world.elapsed() - known.at < freshMs) return known.cover
    known = { cover: read(), at: world.elapsed() }
    return known.cover
  }
}

/** Those of a cover whose stake is not enough for the bond of one slot: their offers cannot win. */
export const unbondedOf = (cover: ReadonlyMap<Address, number>): ReadonlySet<Address> =>
  new Set([...cover].filter(([, slots]) => slots <= 0).map(([provider]) => provider))
