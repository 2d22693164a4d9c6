import type { NearMiss } from '../api/market-routes.ts'
import { MusterError } from '../error/muster-error.ts'
import type { Offer, SignedOffer } from '../offer/offer.ts'
import type { Address } from '../signature/address.ts'
import { failedRequirements, freeSlots, type Demand, type FailedRequirement } from './match-offers.ts'

/** How many of the nearest offers an explanation names. */
export const nearestTold = 5

/** The requirement that a provider can lose something: without it no lease can be opened, whatever it offers. */
const missingStake: FailedRequirement = {
  requirement: 'stake',
  expected: 'enough for the bond of a slot',
  found: 'less than that',
}

/** The requirement that a provider serves this tenant: its pricing policy turned the order away. */
const notServed: FailedRequirement = {
  requirement: 'tenant',
  expected: 'one that this provider serves',
  found: 'one that its prices turn away',
}

/** Providers whose offers cannot win, whatever they are. */
export interface OutOfRace {
  /** With slots to sell, and too little stake for the bond of one. */
  readonly unbonded: ReadonlySet<Address>
  /** Who turned this order away. */
  readonly declined: ReadonlySet<Address>
}

/** An offer with what it fails, none where it fits. */
export interface PricedMiss extends NearMiss {
  readonly price: bigint
}

/** What is near a demand that nothing fits; of several markets' nodes, or of parts of their supply, it can be merged. */
export interface NearMisses {
  /** Offers there are. */
  readonly offers: number
  /** Those that fit, or would if any of their slots were free. */
  readonly fitting: number
  /** Whether more than those fit. */
  readonly isMore: boolean
  /** In their order, `nearestTold` at most. */
  readonly nearest: readonly PricedMiss[]
}

/** An offer that fits but for its slots, which are all taken. */
export const isBusy = ({ failed }: NearMiss): boolean => failed.every(({ requirement }) => requirement === freeSlots)

/** What an offer fails, its provider's stake and policy counted in. */
export const missOf = (demand: Demand, record: Offer, now: number, { unbonded, declined }: OutOfRace): PricedMiss => {
  const failures = failedRequirements(demand, record, now)
  // Slots without a bond count as taken: the reason is the bond.
  const failed = unbonded.has(record.provider)
    ? [...failures.filter(({ requirement }) => requirement !== freeSlots), missingStake]
    : declined.has(record.provider)
      ? [...failures, notServed]
      : failures
  return { offer: record.id, provider: record.provider, failed, price: record.price.nanoUsd }
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** Those that are only busy first, then by failures, price, id and provider. */
const byNearness = (a: PricedMiss, b: PricedMiss): number =>
  Number(isBusy(b)) - Number(isBusy(a)) ||
  a.failed.length - b.failed.length ||
  Number(a.price - b.price) ||
  compareTexts(a.offer, b.offer) ||
  compareTexts(a.provider, b.provider)

/** Adds a miss to the nearest ones, in their order, and drops what is then too many. */
export const keepNearest = (near: PricedMiss[], miss: PricedMiss): void => {
  const last = near[nearestTold - 1]
  if (last !== undefined && byNearness(miss, last) >= 0) return
  const at = near.findIndex((other) => byNearness(miss, other) < 0)
  near.splice(at === -1 ? near.length : at, 0, miss)
  if (near.length > nearestTold) near.pop()
}

/** What is near in a list of offers, each looked at. */
export const findNearMisses = (
  demand: Demand,
  offers: Iterable<SignedOffer>,
  now: number,
  out: OutOfRace,
): NearMisses => {
  const near: PricedMiss[] = []
  let count = 0
  let fitting = 0
  for (const { record } of offers) {
    count++
    const miss = missOf(demand, record, now, out)
    if (isBusy(miss)) fitting++
    if (miss.failed.length > 0) keepNearest(near, miss)
  }
  return { offers: count, fitting, isMore: false, nearest: near }
}

export const mergeNearMisses = (parts: readonly NearMisses[]): NearMisses => {
  const near: PricedMiss[] = []
  for (const { nearest } of parts) for (const miss of nearest) keepNearest(near, miss)
  const sum = (count: (part: NearMisses) => number): number => parts.reduce((total, part) => total + count(part), 0)
  return {
    offers: sum(({ offers }) => offers),
    fitting: sum(({ fitting }) => fitting),
    isMore: parts.some(({ isMore }) => isMore),
    nearest: near,
  }
}

const sentence = ({ offers, fitting, isMore, nearest: [first] }: NearMisses): string => {
  if (offers === 0) return 'No agent that is linked to this market offers anything; try again later.'
  if (first === undefined || fitting > 0) {
    const count = isMore ? `More than ${fitting}` : String(fitting)
    return `${count} of ${offers} offers fit, and all their slots are taken; wait, or try again later.`
  }
  const reasons = first.failed.map(
    ({ requirement, expected, found }) => `${requirement}: expected ${expected}, found ${found}`,
  )
  return `None of ${offers} offers fits; the nearest fails ${reasons.join('; ')}.`
}

/** The error for an order that nothing fits: the nearest offers, and what each one fails. */
export const tellNoFit = ({ slots }: Pick<Demand, 'slots'>, misses: NearMisses): MusterError =>
  new MusterError({
    code: 'nothing_fits',
    message: sentence(misses),
    facts: { slots, offers: misses.offers, nearest: misses.nearest.map(({ price: _, ...miss }) => miss) },
    retryAfterMs: 10_000,
  })

/**
 * The error for an order that nothing fits, after a look at each offer: the nearest, those that are only busy first, then by
 * failures and price, and what each one fails. `unbonded` are providers with slots to sell and too little stake for the bond of
 * one, `declined` those that turned this order away.
 */
export const explainNoFit = (
  demand: Demand,
  offers: Iterable<SignedOffer>,
  now: number,
  unbonded: ReadonlySet<Address> = new Set(),
  declined: ReadonlySet<Address> = new Set(),
): MusterError => tellNoFit(demand, findNearMisses(demand, offers, now, { unbonded, declined }))
