import type { NanoUsd } from '../money/money.ts'
import type { Order } from '../order/order.ts'
import type { RankedBid } from './award-sealed.ts'

/** The best of the others that a winner must rank before to get its slots; `undefined` where there would be enough left in any case. */
const rivalOf = (
  ranked: readonly RankedBid[],
  winner: RankedBid,
  { slots, wanted }: { readonly slots: number; readonly wanted: number },
): RankedBid | undefined => {
  let taken = 0
  for (const other of ranked) {
    if (other === winner) continue
    taken += other.slots
    if (taken > wanted - slots) return other
  }
  return undefined
}

/** The highest price from `low` on, at most `high`, whose score is no worse than `score`. Scores never fall as prices rise. */
const highestPrice = ({ scoreAt }: RankedBid, score: number | bigint, low: NanoUsd, high: NanoUsd): NanoUsd => {
  let [least, most] = [low, high]
  while (least < most) {
    const middle = least + (most - least + 1n) / 2n
    if (scoreAt(middle) <= score) least = middle
    else most = middle - 1n
  }
  return least
}

/**
 * What a winner of `slots` slots is paid for a unit: its own bid, or with `second-price` the highest price at which it would still
 * have won them against the others as they bid: that whose score equals its rival's, rounded down; the order's ceiling where
 * it has no rival. `ranked` are all bids that count, best first.
 */
export const clearingPrice = (
  { auction, maxPrice }: Order,
  ranked: readonly RankedBid[],
  winner: RankedBid,
  won: { readonly slots: number; readonly wanted: number },
): NanoUsd => {
  if (auction?.pricing !== 'second-price') return winner.nanoUsd
  const rival = rivalOf(ranked, winner, won)
  if (rival === undefined) return maxPrice.nanoUsd
  return highestPrice(winner, rival.scoreAt(rival.nanoUsd), winner.nanoUsd, maxPrice.nanoUsd)
}
