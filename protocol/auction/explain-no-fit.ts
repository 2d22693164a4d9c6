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

/** An offer that fits but for its slots, which are all taken. */
const isBusy = ({ failed }: NearMiss): boolean => failed.every(({ requirement }) => requirement === freeSlots)

const sentence = (misses: readonly NearMiss[], offers: number): string => {
  const [first] = misses
  if (offers === 0) return 'No agent is linked to this market, so there is no offer at all; try again later.'
  const busy = offers - misses.length + misses.filter(isBusy).length
  if (first === undefined || busy > 0) {
    return `${busy} of ${offers} offers fit, and all their slots are taken; wait, or try again later.`
  }
  const reasons = first.failed.map(
    ({ requirement, expected, found }) => `${requirement}: expected ${expected}, found ${found}`,
  )
  return `None of ${offers} offers fits; the nearest fails ${reasons.join('; ')}.`
}

/**
 * The error for an order that nothing fits: the nearest offers, those that are only busy first, then by failures and price,
 * and what each one fails. `unbonded` are providers with slots to sell and too little stake for the bond of one.
 */
export const explainNoFit = (
  demand: Demand,
  offers: Iterable<SignedOffer>,
  now: number,
  unbonded: ReadonlySet<Address> = new Set(),
): MusterError => {
  const misses: (NearMiss & { readonly price: bigint })[] = []
  let count = 0
  for (const { record } of offers) {
    count++
    const failures = failedRequirements(demand, record, now)
    // Slots without a bond count as taken: the reason is the bond.
    const failed = unbonded.has(record.provider)
      ? [...failures.filter(({ requirement }) => requirement !== freeSlots), missingStake]
      : failures
    if (failed.length === 0) continue
    misses.push({ offer: record.id, provider: record.provider, failed, price: record.price.nanoUsd })
  }
  const order = (a: (typeof misses)[number], b: (typeof misses)[number]): number =>
    Number(isBusy(b)) - Number(isBusy(a)) || a.failed.length - b.failed.length || Number(a.price - b.price)
  const near = misses
    .sort(order)
    .slice(0, nearest)
    .map(({ price: _, ...miss }) => miss)
  return new MusterError({
    code: 'nothing_fits',
    message: sentence(misses, count),
    facts: { slots: demand.slots, offers: count, nearest: near },
    retryAfterMs: 10_000,
  })
}
