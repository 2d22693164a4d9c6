import type { Address, Demand, SignedOffer } from '@muster/protocol'
import type { FindOffers } from '../auction/find-offers.ts'
import type { Supply } from './supply.ts'

export interface Match {
  /** Slots free now; counted up to what one order may ask for. */
  readonly slots: number
  /** The cheapest offers that fit. */
  readonly offers: SignedOffer[]
}

const pageSize = 256
const mostShown = 200
const mostSlots = 10_000

/** What a demand would get now, where `cover` says for how many slots the stake of each provider is enough. */
export const matchDemand = async (
  demand: Demand,
  findOffers: FindOffers,
  supply: Pick<Supply, 'freeSlots'>,
  cover: ReadonlyMap<Address, number>,
): Promise<Match> => {
  const left = new Map(cover)
  const offers: SignedOffer[] = []
  let slots = 0
  for (let after: SignedOffer | undefined; slots < mostSlots;) {
    const page = await findOffers(demand, { limit: pageSize, ...(after === undefined ? {} : { after }) })
    for (const offer of page) {
      const { provider } = offer.record
      const covered = left.get(provider) ?? Infinity
      if ((cover.get(provider) ?? Infinity) <= 0) continue
      const free = Math.min(supply.freeSlots(offer), covered)
      left.set(provider, covered - free)
      slots += free
      if (offers.length < mostShown) offers.push(offer)
    }
    after = page.at(-1)
    if (page.length < pageSize) break
  }
  return { slots, offers }
}
