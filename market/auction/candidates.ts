import type { Address, Job, OfferId, SignedOffer } from '@muster/protocol'
import type { BondCover } from '../ledger/bond-cover.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { Supply } from '../supply/supply.ts'
import { demandOf } from './demand-of.ts'
import { failedProviders } from './failed-providers.ts'
import type { FindOffers } from './find-offers.ts'
import { leastCost, rankByAward } from './rank-by-award.ts'

export interface CandidatesModules {
  readonly supply: Supply
  readonly findOffers: FindOffers
  readonly bondCover: BondCover
  readonly records: Pick<ProviderRecords, 'expect' | 'workOf'>
  /** How long the market's leases last where an order does not say. */
  readonly termMs: number
}

/** The offers an auction may ask, best first, looked up a page at a time: most auctions need a few of very many. */
export interface Candidates {
  /** Those to be asked next. Whoever asks one takes it out. */
  readonly offers: SignedOffer[]
  /** For how many slots the stake of each provider covers the bond. */
  readonly covered: Map<Address, number>
  /** Whether the supply has no more than was looked up. */
  isExhausted(): boolean
  /** Looks up more offers, until there are some to spare for so many slots, or no more. */
  lookUp(slots: number): Promise<void>
}

const leastPage = 64
const firstRankedPage = 128
const mostPage = 1_024
/** What is looked up beyond what is wanted, since not every agent keeps its word. */
const spare = 2

/** Those that hold leases of a job that was made larger: they are asked first for what it wants more. */
const heldProviders = (job: Job): readonly Address[] =>
  job.resizes.length === 0
    ? []
    : [...new Set([...job.leases.values()].filter(({ phase }) => phase === 'open').map(({ provider }) => provider))]

/**
 * Candidates for a job in the order of its rule of award; those that failed the job before come last, whatever they ask. Providers
 * without stake for a bond are left out, and paused. Under `effective` the offers looked up are the cheapest ones, and more of
 * them until no dearer one can be among the best, or until there are 1,024.
 */
export const createCandidates = (
  job: Job,
  { supply, findOffers, bondCover, records, termMs }: CandidatesModules,
): Candidates => {
  const demand = demandOf(job, termMs)
  const failed = failedProviders(job)
  const offers: SignedOffer[] = []
  const failedOffers: SignedOffer[] = []
  const covered = new Map<Address, number>()
  const held = [...heldProviders(job)]
  const taken = new Set<OfferId>()
  const costs = new Map<SignedOffer, number>()
  let last: SignedOffer | undefined
  let isExhausted = false

  const isRanked = job.order.record.award !== 'lowest'
  /** Offers of providers that hold leases of the job already have none: they are asked first. */
  const costOf = (offer: SignedOffer): number => costs.get(offer) ?? -Infinity
  const byCost = (a: SignedOffer, b: SignedOffer): number =>
    costOf(a) === costOf(b) ? 0 : costOf(a) < costOf(b) ? -1 : 1

  const cover = async (page: readonly SignedOffer[]): Promise<void> => {
    const unknown = new Set(page.map(({ record }) => record.provider).filter((provider) => !covered.has(provider)))
    for (const [provider, slots] of await bondCover(unknown)) {
      covered.set(provider, slots)
      if (slots === 0) supply.pause(provider)
    }
  }

  const takeHeld = async (providers: Address[]): Promise<void> => {
    const page = await findOffers({ ...demand, placement: { ...demand.placement, providers } }, { limit: leastPage })
    await cover(page)
    for (const offer of page) {
      if (covered.get(offer.record.provider) === 0) continue
      taken.add(offer.record.id)
      offers.push(offer)
    }
  }

  const take = async (limit: number): Promise<void> => {
    if (held.length > 0) await takeHeld(held.splice(0))
    const page = await findOffers(demand, { limit, ...(last === undefined ? {} : { after: last }) })
    last = page.at(-1)
    isExhausted = page.length < limit
    await cover(page)
    for (const { offer, cost } of await rankByAward(job, page, records)) {
      if (covered.get(offer.record.provider) === 0 || taken.has(offer.record.id)) continue
      costs.set(offer, cost)
      if (failed.has(offer.record.provider)) failedOffers.push(offer)
      else offers.push(offer)
    }
    if (isRanked) offers.sort(byCost)
    if (isExhausted) offers.push(...failedOffers.splice(0))
  }

  /** Slots of those that are asked next and cost no more. */
  const room = (most = Infinity): number => {
    let slots = 0
    for (const offer of offers) {
      if (costOf(offer) > most) break
      slots += Math.min(supply.freeSlots(offer), covered.get(offer.record.provider) ?? 0)
    }
    return slots
  }

  const lookUpByPrice = async (slots: number): Promise<void> => {
    const limit = Math.max(leastPage, Math.min(mostPage, slots * spare))
    do await take(limit)
    while (!isExhausted && room() < slots * spare)
  }

  /** What the next page could at best be ranked before. */
  const settled = (): number => (last === undefined ? -Infinity : leastCost(job, last, records))

  const lookUpRanked = async (slots: number): Promise<void> => {
    let looked = 0
    do {
      // Where no price says anything of the cost, all that is ever looked up is needed.
      const next = looked > 0 && settled() <= 0 ? mostPage - looked : looked
      const limit = Math.min(mostPage, Math.max(firstRankedPage, next))
      await take(limit)
      looked += limit
    } while (!isExhausted && room(looked < mostPage ? settled() : Infinity) < slots * spare)
  }

  return {
    offers,
    covered,
    isExhausted: () => isExhausted,
    lookUp: isRanked ? lookUpRanked : lookUpByPrice,
  }
}
