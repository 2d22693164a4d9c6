import {
  findNearMisses,
  mergeNearMisses,
  type Demand,
  type NearMisses,
  type SignedOffer,
  type World,
} from '@muster/protocol'
import type { NearMissesOptions } from '../supply/near-misses.ts'
import type { Supply } from '../supply/supply.ts'

export interface FindNearModules {
  readonly world: World
  /** What is linked here. */
  readonly supply: Pick<Supply, 'nearMisses'>
  /** Of the agents of other nodes the cheapest offers, with the slots published or those believed free. */
  readonly elsewhere?: (isBelieved: boolean) => Promise<readonly SignedOffer[]>
}

/** What is nearest to a demand of all that the market can reach. */
export type FindNear = (demand: Demand, options: NearMissesOptions) => Promise<NearMisses>

/** Searches what is linked here; of other nodes looks at each offer they list. */
export const createFindNear =
  ({ world, supply, elsewhere }: FindNearModules): FindNear =>
  async (demand, options) => {
    const { needsSlots } = options
    if (elsewhere === undefined) return supply.nearMisses(demand, options)
    const listed = await elsewhere(needsSlots)
    const offers = needsSlots
      ? listed
      : listed.map((offer) => ({ ...offer, record: { ...offer.record, slots: Math.max(1, offer.record.slots) } }))
    return mergeNearMisses([supply.nearMisses(demand, options), findNearMisses(demand, offers, world.now(), options)])
  }
