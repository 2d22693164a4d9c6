import type { SignedOffer } from '@muster/protocol'

const byPrice = (a: SignedOffer, b: SignedOffer): number => {
  const difference = a.record.price.nanoUsd - b.record.price.nanoUsd
  return difference < 0n ? -1 : Number(difference > 0n)
}

/** The cheapest of all offers, whatever their unit: in one look at each, with no more than twice as many in hand. */
export const listCheapest = (offers: Iterable<SignedOffer>, limit: number): SignedOffer[] => {
  const kept: SignedOffer[] = []
  let dearest: bigint | undefined
  for (const offer of offers) {
    if (dearest !== undefined && offer.record.price.nanoUsd >= dearest) continue
    kept.push(offer)
    if (kept.length < limit * 2) continue
    kept.sort(byPrice).splice(limit)
    dearest = kept.at(-1)?.record.price.nanoUsd
  }
  return kept.sort(byPrice).slice(0, limit)
}
