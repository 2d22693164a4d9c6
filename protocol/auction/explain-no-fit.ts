import type { NearMiss } from '../api/market-routes.ts'
import { MusterError } from '../error/muster-error.ts'
import type { SignedOffer } from '../offer/offer.ts'
import { failedRequirements, type Demand } from './match-offers.ts'

const nearest = 5

const sentence = (misses: readonly NearMiss[], offers: number): string => {
  const [first] = misses
  if (offers === 0) return 'No agent is linked to this market, so there is no offer at all; try again later.'
  if (first === undefined || misses.length < offers) {
    return `${offers - misses.length} of ${offers} offers fit, and all their slots are taken; wait, or try again later.`
  }
  const reasons = first.failed.map(
    ({ requirement, expected, found }) => `${requirement}: expected ${expected}, found ${found}`,
  )
  return `None of ${offers} offers fits; the nearest fails ${reasons.join('; ')}.`
}

/** The error for an order that nothing fits: the nearest offers, fewest failures first, and what each one fails. */
export const explainNoFit = (demand: Demand, offers: Iterable<SignedOffer>, now: number): MusterError => {
  const misses: NearMiss[] = []
  let count = 0
  for (const { record } of offers) {
    count++
    const failed = failedRequirements(demand, record, now)
    if (failed.length > 0) misses.push({ offer: record.id, provider: record.provider, failed })
  }
  misses.sort((a, b) => a.failed.length - b.failed.length)
  const near = misses.slice(0, nearest)
  return new MusterError({
    code: 'nothing_fits',
    message: sentence(misses, count),
    facts: { slots: demand.slots, offers: count, nearest: near },
    retryAfterMs: 10_000,
  })
}
