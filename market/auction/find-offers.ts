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

/** Every standing offer of all agents, with the slots published or those believed free; of other nodes the cheapest. */
export type ListStanding = (isBelieved: boolean) => Promise<Iterable<SignedOffer>>

/** What is linked here, and with `elsewhere` what is linked to other nodes. */
export const createListStanding =
  (
    supply: Pick<Supply, 'all' | 'believed'>,
    elsewhere: () => ((isBelieved: boolean) => Promise<readonly SignedOffer[]>) | undefined,
  ): ListStanding =>
  async (isBelieved) => {
    const own = isBelieved ? supply.believed() : supply.all()
    const ask = elsewhere()
    return ask === undefined ? own : [...own, ...(await ask(isBelieved))]
  }

/** Asks every other node for a page of its own. */
export type ScatterDemand = (demand: Demand, page: OfferPage) => Promise<readonly (readonly SignedOffer[])[]>

const order = ({ record: a }: SignedOffer, { record: b }: SignedOffer): number => {
  if (a.price.nanoUsd !== b.price.nanoUsd) return a.price.nanoUsd < b.price.nanoUsd ? -1 : 1
  if (a.id !== b.id) return a.id < b.id ? -1 : 1
  return a.provider < b.provider ? -1 : Number(a.provider > b.provider)
}

/** What is linked here, and with `scatter` what is linked to other nodes: each gives its own cheapest, and those of all are merged. */
export const createFindOffers =
  (supply: Pick<Supply, 'cheapest'>, scatter?: ScatterDemand): FindOffers =>
  async (demand, page) => {
    if (scatter === undefined) return supply.cheapest(demand, page)
    const elsewhere = await scatter(demand, page)
    const own = supply.cheapest(demand, page)
    if (elsewhere.every((offers) => offers.length === 0)) return own
    return [...own, ...elsewhere.flat()].sort(order).slice(0, page.limit)
  }
