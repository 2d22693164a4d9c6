import type { NearMiss } from '../api/market-routes.ts'
import { MusterError } from '../error/muster-error.ts'
import type { SignedOffer } from '../offer/offer.ts'
import type { Address } from '../signature/address.ts'
import { failedRequirements, freeSlots, type Demand, type FailedRequirement } from './match-offers.ts'

const nearest = 5

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

/** An offer that fits but for its slots, which are all taken. */
const isBusy = ({ failed }: NearMiss): boolean => failed.every(({ requirement }) => requirement === freeSlots)

interface Count {
  readonly offers: number
  /** Those that fit, or would if any of their slots were free. */
  readonly fitting: number
}

const sentence = ([first]: readonly NearMiss[], { offers, fitting }: Count): string => {
  if (offers === 0) return 'No agent is linked to this market, so there is no offer at all; try again later.'
  if (first === undefined || fitting > 0) {
    return `${fitting} of ${offers} offers fit, and all their slots are taken; wait, or try again later.`
  }
  const reasons = first.failed.map(
    ({ requirement, expected, found }) => `${requirement}: expected ${expected}, found ${found}`,
  )
  return `None of ${offers} offers fits; the nearest fails ${reasons.join('; ')}.`
}

interface PricedMiss extends NearMiss {
  readonly price: bigint
}

const byNearness = (a: PricedMiss, b: PricedMiss): number =>
  Number(isBusy(b)) - Number(isBusy(a)) || a.failed.length - b.failed.length || Number(a.price - b.price)

/** Adds a miss to the nearest ones, in their order, and drops what is then too many. */
const keepNearest = (near: PricedMiss[], miss: PricedMiss): void => {
  const last = near[nearest - 1]
  if (last !== undefined && byNearness(miss, last) >= 0) return
  const at = near.findIndex((other) => byNearness(miss, other) < 0)
  near.splice(at === -1 ? near.length : at, 0, miss)
  if (near.length > nearest) near.pop()
}

/**
 * The error for an order that nothing fits: the nearest offers, those that are only busy first, then by failures and price,
 * and what each one fails. `unbonded` are providers with slots to sell and too little stake for the bond of one, `declined` those
 * that turned this order away.
 */
export const explainNoFit = (
  demand: Demand,
  offers: Iterable<SignedOffer>,
  now: number,
  unbonded: ReadonlySet<Address> = new Set(),
  declined: ReadonlySet<Address> = new Set(),
): MusterError => {
  const near: PricedMiss[] = []
  let count = 0
  let fitting = 0
  for (const { record } of offers) {
    count++
    const failures = failedRequirements(demand, record, now)
    // Slots without a bond count as taken: the reason is the bond.
    const failed = unbonded.has(record.provider)
      ? [...failures.filter(({ requirement }) => requirement !== freeSlots), missingStake]
      : declined.has(record.provider)
        ? [...failures, notServed]
        : failures
    const miss = { offer: record.id, provider: record.provider, failed, price: record.price.nanoUsd }
    if (isBusy(miss)) fitting++
    if (failed.length > 0) keepNearest(near, miss)
  }
  const told = near.map(({ price: _, ...miss }) => miss)
  return new MusterError({
    code: 'nothing_fits',
    message: sentence(told, { offers: count, fitting }),
    facts: { slots: demand.slots, offers: count, nearest: told },
    retryAfterMs: 10_000,
  })
}
