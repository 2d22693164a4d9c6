import type { SignedOffer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'
import type { Address } from '../signature/address.ts'
import { effectivePrice, type UnitOfWork } from './effective-price.ts'

/**
 * Offers in the order of the rule `effective`: by what a finished unit is expected to cost; of equals as they came, which is
 * by price, then by the older offer.
 */
export const rankEffective = (
  offers: readonly SignedOffer[],
  reliabilityOf: (provider: Address) => Reliability,
  work: UnitOfWork,
): SignedOffer[] =>
  offers
    .map((offer) => ({ offer, cost: effectivePrice(offer.record, reliabilityOf(offer.record.provider), work).nanoUsd }))
    .toSorted((a, b) => (a.cost === b.cost ? 0 : a.cost < b.cost ? -1 : 1))
    .map(({ offer }) => offer)
