import { mostBidders, type Address, type AgentPeer, type Demand, type Job, type SignedOffer } from '@muster/protocol'
import type { BondCover } from '../ledger/bond-cover.ts'
import type { Supply } from '../supply/supply.ts'
import { demandOf } from './demand-of.ts'
import { failedProviders } from './failed-providers.ts'
import type { FindOffers } from './find-offers.ts'

export interface FindBiddersModules {
  readonly supply: Supply
  readonly findOffers: FindOffers
  readonly bondCover: BondCover
  /** How long the market's leases last where an order does not say. */
  readonly termMs: number
}

/** An agent that is asked for a sealed bid. */
export interface Bidder {
  readonly peer: AgentPeer
  readonly offer: SignedOffer
  /** What it is asked for at most. */
  readonly slots: number
}

const page = 1_024
/** Offers looked through for bidders at most: a provider may have several that fit. */
const mostOffers = 4 * mostBidders

/** What must fit for an agent to be asked: everything but the price, which its bid will say. */
export const openDemand = <Asked extends Demand>(demand: Asked): Asked => ({
  ...demand,
  maxPrice: { ...demand.maxPrice, nanoUsd: 2n ** 63n - 1n },
})

/**
 * The agents to ask for sealed bids: linked, with slots free that fit but for the price, and stake for the bond of one. Those with the
 * cheapest standing offers, `mostBidders` at most; who failed this job before only where there is nobody else.
 */
export const findBidders = async (
  job: Job,
  slots: number,
  hasDeclined: (provider: Address) => boolean,
  { supply, findOffers, bondCover, termMs }: FindBiddersModules,
): Promise<Bidder[]> => {
  const demand = openDemand(demandOf(job, termMs))
  const failed = failedProviders(job)
  const found = new Map<Address, SignedOffer>()
  let last: SignedOffer | undefined
  for (let looked = 0; looked < mostOffers && found.size < mostBidders;) {
    const offers = await findOffers(demand, { limit: page, ...(last === undefined ? {} : { after: last }) })
    for (const offer of offers) {
      const { provider } = offer.record
      if (found.size < mostBidders && !found.has(provider) && !hasDeclined(provider)) found.set(provider, offer)
    }
    looked += offers.length
    last = offers.at(-1)
    if (offers.length < page) break
  }
  const covered = await bondCover(new Set(found.keys()))
  const bidders: Bidder[] = []
  for (const [provider, offer] of found) {
    const peer = supply.peer(provider)
    const cover = covered.get(provider) ?? 0
    if (cover === 0) supply.pause(provider)
    const wanted = Math.min(slots, job.order.record.slots, supply.freeSlots(offer), cover)
    if (peer !== undefined && wanted > 0) bidders.push({ peer, offer, slots: wanted })
  }
  const sound = bidders.filter(({ peer }) => !failed.has(peer.provider))
  return sound.length > 0 ? sound : bidders
}
