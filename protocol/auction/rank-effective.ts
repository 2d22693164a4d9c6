import type { SignedOffer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'
import type { Address } from '../signature/address.ts'
import { effectivePrice, type EffectivePrice, type UnitOfWork } from './effective-price.ts'

/** An offer with what a finished unit of work is expected to cost there. */
export interface ScoredOffer {
  readonly offer: SignedOffer
  readonly effective: EffectivePrice
}

/**
 * Offers in the order of the rule `effective`: by what a finished unit is expected to cost; of equals as they came, which is
 * by price, then by the older offer.
 */
export const rankEffective = (
  offers: readonly SignedOffer[],
  reliabilityOf: (provider: Address) => Reliability,
  work: UnitOfWork,
): ScoredOffer[] =>
  offers
    .map((offer) => ({ offer, effective: effectivePrice(offer.record, reliabilityOf(offer.record.provider), work) }))
    .toSorted(({ effective: a }, { effective: b }) => (a.nanoUsd === b.nanoUsd ? 0 : a.nanoUsd < b.nanoUsd ? -1 : 1))
