import type { Address, Demand } from '@muster/protocol'
import type { FindOffers } from '../auction/find-offers.ts'
import type { BondCover } from '../ledger/bond-cover.ts'
import type { Supply } from '../supply/supply.ts'

export interface PromiseSlotsModules {
  readonly supply: Pick<Supply, 'freeSlots' | 'peer'>
  readonly findOffers: FindOffers
  readonly bondCover: BondCover
}

const leastPage = 64
const mostPage = 1_024
const mostPages = 16

/**
 * How many of an order's slots are free at once in what is offered now, at its price, with stake for the bonds. `spoken` are the slots of each provider
 * that others were promised a moment ago; those of this order are added where all are free.
 */
export const promiseSlots = async (
  demand: Demand,
  spoken: Map<Address, number>,
  { supply, findOffers, bondCover }: PromiseSlotsModules,
): Promise<number> => {
  const limit = Math.max(leastPage, Math.min(mostPage, 2 * demand.slots))
  /** All offers of a provider sell the same machine. */
  const free = new Map<Address, number>()
  let isExhausted = false
  let missing = demand.slots
  for (let page = 0, last; page < mostPages && missing > 0 && !isExhausted; page++) {
    const offers = await findOffers(demand, { limit, ...(last === undefined ? {} : { after: last }) })
    const cover = await bondCover(new Set(offers.map(({ record }) => record.provider)))
    for (const offer of offers) {
      const { provider, slots } = offer.record
      const here = supply.peer(provider) === undefined ? slots : supply.freeSlots(offer)
      const usable = Math.min(here, cover.get(provider) ?? 0) - (spoken.get(provider) ?? 0)
      const before = free.get(provider) ?? 0
      if (usable <= before) continue
      free.set(provider, usable)
      missing -= usable - before
    }
    last = offers.at(-1)
    isExhausted = offers.length < limit
  }
  if (missing > 0) return demand.slots - missing
  let wanted = demand.slots
  for (const [provider, slots] of free) {
    const taken = Math.min(wanted, slots)
    spoken.set(provider, (spoken.get(provider) ?? 0) + taken)
    wanted -= taken
  }
  return demand.slots
}
