import type { Demand, SignedOffer } from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'

/** A page of the offers that fit a demand, of all agents the market can reach. */
export interface OfferPage {
  readonly limit: number
  /** The last offer of the page before. */
  readonly after?: SignedOffer
}

/** The cheapest offers that fit, by price, then id; fewer than `limit` only where there are no more. */
export type FindOffers = (demand: Demand, page: OfferPage) => Promise<SignedOffer[]>

/** Where one node is the market: what is linked here is all there is. */
export const createFindOffers =
  (supply: Supply): FindOffers =>
  async (demand, page) =>
    supply.cheapest(demand, page)
