import { hourOf, seriesKey, slotKindOf, unitPriceOf, type SignedOffer } from '@muster/protocol'
import type { Ask } from '../store/price-store.ts'

/** Regions are words of the providers' own making: of more series than this only those with the most offers are kept. */
const mostSeries = 1_000

/** The lowest price that is asked now of each series, over offers with slots free. */
export const sampleAsks = (offers: Iterable<SignedOffer>, now: number): readonly Ask[] => {
  const lowest = new Map<string, { ask: Ask; offers: number }>()
  for (const { record } of offers) {
    const series = { kind: slotKindOf(record), region: record.region, per: record.price.per }
    const price = unitPriceOf(record.price, record.resources)
    const key = seriesKey(series)
    const known = lowest.get(key)
    const ask = known === undefined || price < known.ask.price ? { ...series, hour: hourOf(now), price } : known.ask
    lowest.set(key, { ask, offers: (known?.offers ?? 0) + 1 })
  }
  const all = [...lowest.values()]
  const kept = all.length <= mostSeries ? all : all.toSorted((a, b) => b.offers - a.offers).slice(0, mostSeries)
  return kept.map(({ ask }) => ask)
}
