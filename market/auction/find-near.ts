import {
  findNearMisses,
  mergeNearMisses,
  type Address,
  type Demand,
  type MachineStanding,
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
  /** What the market measured of machines, wherever they are linked. */
  readonly standingsOf: (providers: readonly Address[]) => Promise<ReadonlyMap<Address, MachineStanding>>
}

/** What is nearest to a demand of all that the market can reach. */
export type FindNear = (demand: Demand, options: NearMissesOptions) => Promise<NearMisses>

const freshMs = 1_000

/**
 * Searches what is linked here; of other nodes looks at each offer they list. Those are thousands, and asked for at most once a second,
 * whoever asks: anyone may.
 */
export const createFindNear = ({ world, supply, elsewhere, standingsOf }: FindNearModules): FindNear => {
  const known = new Map<boolean, { readonly offers: Promise<readonly SignedOffer[]>; readonly at: number }>()
  const measures = new WeakMap<readonly SignedOffer[], ReturnType<typeof standingsOf>>()
  const measuredOf = (listed: readonly SignedOffer[]): ReturnType<typeof standingsOf> => {
    const measured = measures.get(listed) ?? standingsOf([...new Set(listed.map(({ record }) => record.provider))])
    measures.set(listed, measured)
    return measured
  }
  const list = (ask: NonNullable<typeof elsewhere>, isBelieved: boolean): Promise<readonly SignedOffer[]> => {
    const last = known.get(isBelieved)
    if (last !== undefined && world.elapsed() - last.at < freshMs) return last.offers
    const offers = ask(isBelieved)
    known.set(isBelieved, { offers, at: world.elapsed() })
    return offers
  }

  /** The demand as it is to be held against offers of other nodes: with what was measured of them, where it asks for any of that. */
  const withMeasures = async (demand: Demand, offers: readonly SignedOffer[]): Promise<Demand> => {
    const { gflops, reproducible } = demand.resources
    if (gflops === undefined && reproducible === undefined) return demand
    const standings = await measuredOf(offers)
    return { ...demand, measured: (provider) => standings.get(provider) }
  }

  return async (demand, options) => {
    const { needsSlots } = options
    if (elsewhere === undefined) return supply.nearMisses(demand, options)
    const listed = await list(elsewhere, needsSlots)
    const offers = needsSlots
      ? listed
      : listed.map((offer) => ({ ...offer, record: { ...offer.record, slots: Math.max(1, offer.record.slots) } }))
    const asked = await withMeasures(demand, listed)
    return mergeNearMisses([supply.nearMisses(demand, options), findNearMisses(asked, offers, world.now(), options)])
  }
}
