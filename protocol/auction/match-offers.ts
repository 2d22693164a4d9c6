import type { Offer, SignedOffer } from '../offer/offer.ts'
import type { Order } from '../order/order.ts'

/** What of an order decides whether an offer fits it. */
export type Demand = Pick<Order, 'slots' | 'resources' | 'runtime' | 'placement' | 'maxPrice'>

/** The requirement of an offer to have any slot left. */
export const freeSlots = 'slots free'

export interface FailedRequirement {
  readonly requirement: string
  readonly expected: string
  readonly found: string
}

const oneOf = (requirement: string, allowed: readonly string[], found: string): FailedRequirement[] =>
  allowed.length === 0 || allowed.includes(found) ? [] : [{ requirement, expected: allowed.join(' or '), found }]

const atLeast = (requirement: string, needed: number, found: number): FailedRequirement[] =>
  found >= needed ? [] : [{ requirement, expected: `at least ${needed}`, found: String(found) }]

const priceFailures = ({ maxPrice }: Demand, { price }: Offer): FailedRequirement[] => {
  if (price.per !== maxPrice.per) return [{ requirement: 'price.per', expected: maxPrice.per, found: price.per }]
  if (price.nanoUsd <= maxPrice.nanoUsd) return []
  return [{ requirement: 'price', expected: `at most ${maxPrice.nanoUsd} nano-dollars`, found: String(price.nanoUsd) }]
}

/** The requirements of the demand that this offer fails at `now`; none where it fits. */
export const failedRequirements = (demand: Demand, offer: Offer, now: number): FailedRequirement[] => {
  const { resources, placement } = demand
  return [
    ...(offer.expiresAt > now
      ? []
      : [{ requirement: 'expiry', expected: `after ${now}`, found: String(offer.expiresAt) }]),
    ...atLeast(freeSlots, 1, offer.slots),
    ...(offer.runtimes.includes(demand.runtime)
      ? []
      : [{ requirement: 'runtime', expected: demand.runtime, found: offer.runtimes.join(', ') }]),
    ...atLeast('resources.cpuMilli', resources.cpuMilli, offer.resources.cpuMilli),
    ...atLeast('resources.memoryBytes', resources.memoryBytes, offer.resources.memoryBytes),
    ...atLeast('resources.diskBytes', resources.diskBytes, offer.resources.diskBytes),
    ...atLeast('resources.gpuCount', resources.gpuCount, offer.resources.gpuCount),
    ...oneOf('placement.regions', placement.regions, offer.region),
    ...oneOf('placement.countries', placement.countries, offer.country),
    ...oneOf('placement.providers', placement.providers, offer.provider),
    ...(placement.excludeProviders.includes(offer.provider)
      ? [{ requirement: 'placement.excludeProviders', expected: 'another provider', found: offer.provider }]
      : []),
    ...Object.entries(placement.attributes).flatMap(([name, expected]) => {
      const found = Object.hasOwn(offer.attributes, name) ? offer.attributes[name] : undefined
      return found === expected
        ? []
        : [{ requirement: `placement.attributes.${name}`, expected, found: found ?? 'none' }]
    }),
    ...priceFailures(demand, offer),
  ]
}

const byPrice = (a: SignedOffer, b: SignedOffer): number => {
  const difference = a.record.price.nanoUsd - b.record.price.nanoUsd
  if (difference !== 0n) return difference < 0n ? -1 : 1
  return a.record.id < b.record.id ? -1 : 1
}

/** The offers that fit, in the order of the rule `lowest`: by price, then by the older offer. */
export const rankOffers = (demand: Demand, offers: Iterable<SignedOffer>, now: number): SignedOffer[] => {
  const fitting: SignedOffer[] = []
  for (const offer of offers) if (failedRequirements(demand, offer.record, now).length === 0) fitting.push(offer)
  return fitting.sort(byPrice)
}
