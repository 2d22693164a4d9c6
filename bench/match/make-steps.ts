import type { Demand } from '@muster/protocol'
import { makeDemand, type ListedProvider } from './mix.ts'
import type { Draws } from './seeded.ts'

/** What happens to a book: an order, or a provider that says something new. */
export type Step =
  | { readonly type: 'order'; readonly demand: Demand }
  | { readonly type: 'publish'; readonly provider: ListedProvider }

/** A new price mostly; else more or fewer slots, all offers withdrawn, or back again. */
const changed = (draws: Draws, listed: ListedProvider, original: ListedProvider): ListedProvider => {
  const { provider, slots, offers } = listed
  const kind = draws.share()
  if (offers.length === 0) return { provider, slots, offers: original.offers }
  if (kind < 0.08) return { provider, slots, offers: [] }
  if (kind < 0.25) return { provider, slots: draws.whole(0, 16), offers }
  const factor = draws.spread(0.08)
  return {
    provider,
    slots,
    offers: offers.map((offer) => ({
      ...offer,
      price: { ...offer.price, nanoUsd: BigInt(Math.round(Number(offer.price.nanoUsd) * factor)) },
    })),
  }
}

/** So many orders, with a provider that says something new after every second one. */
export const makeSteps = (
  draws: Draws,
  providers: readonly ListedProvider[],
  offers: number,
  orders: number,
): Step[] => {
  const now = new Map<number, ListedProvider>()
  const steps: Step[] = []
  for (let order = 1; order <= orders; order++) {
    steps.push({ type: 'order', demand: makeDemand(draws, offers, providers.length) })
    if (order % 2 === 1) continue
    const at = draws.whole(0, providers.length - 1)
    const original = providers[at]
    if (original === undefined) continue
    const provider = changed(draws, now.get(at) ?? original, original)
    now.set(at, provider)
    steps.push({ type: 'publish', provider })
  }
  return steps
}
