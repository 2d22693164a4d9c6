import { sha256Hex } from '../digest/sha256.ts'
import { digestOf } from '../digest/digest.ts'
import { fromHex, type Hex } from '../digest/hex.ts'
import type { NanoUsd } from '../money/money.ts'
import type { Order } from '../order/order.ts'
import type { Address } from '../signature/address.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import { clearingPrice } from './clearing-price.ts'
import type { Closing } from './closing.ts'
import { effectivePrice } from './effective-price.ts'
import { refuseBid } from './refuse-bid.ts'
import { readScores, type Scores } from './scores.ts'
import type { SealedAward, SealedBid } from './transcript.ts'

/** What decides a sealed auction. */
export interface SealedAuction {
  readonly order: Order
  readonly wanted: number
  readonly closing: Closing
  /** In any order. */
  readonly bids: readonly Pick<SealedBid, 'provider' | 'seal' | 'reveal'>[]
  readonly late: readonly { readonly provider: Address }[]
  readonly scores: Scores | null
  readonly awardedAt: number
}

/** A bid that counts. */
export interface RankedBid {
  readonly provider: Address
  readonly reservation: SignedReservation['record']
  readonly slots: number
  readonly nanoUsd: NanoUsd
  /** Lower is better; at any price, for the price that clears. */
  readonly scoreAt: (nanoUsd: NanoUsd) => number | bigint
  readonly tie: Hex
}

/** Breaks ties: SHA-256(closing root ‖ provider), which nobody knows before the close. */
export const tieOf = (root: Hex, provider: Address): Hex => {
  const bytes = new Uint8Array(52)
  bytes.set(fromHex(root), 0)
  bytes.set(fromHex(provider), 32)
  return `0x${sha256Hex(bytes)}`
}

const scorer = ({ order, scores }: SealedAuction): ((provider: Address) => RankedBid['scoreAt']) => {
  if (order.award === 'lowest' || scores === null) return () => (nanoUsd) => nanoUsd
  const { work, reliability } = readScores(scores)
  return (provider) => {
    const known = reliability.get(provider)
    if (known === undefined) return () => Infinity
    return (nanoUsd) => effectivePrice({ price: { nanoUsd, per: order.maxPrice.per } }, known, work).nanoUsd
  }
}

const byRank = (
  a: { score: number | bigint; bid: RankedBid },
  b: { score: number | bigint; bid: RankedBid },
): number => {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1
  return a.bid.tie < b.bid.tie ? -1 : 1
}

const bySeal = (a: { provider: string; seal: string }, b: { provider: string; seal: string }): number => {
  if (a.provider !== b.provider) return a.provider < b.provider ? -1 : 1
  return a.seal < b.seal ? -1 : a.seal > b.seal ? 1 : 0
}

/**
 * The rule of a sealed auction, docs/spec/auction.md: refuses the bids that do not count, ranks the others by price or by what a
 * finished unit is expected to cost, gives slots down the ranking until `wanted` are given, and sets what each winner is paid.
 * Nothing depends on the order in which bids arrived. Never throws.
 */
export const awardSealed = (sealed: SealedAuction): SealedAward => {
  const { order, closing } = sealed
  const orderDigest = digestOf(order)
  const scoreOf = scorer(sealed)
  const heard = new Set<Address>()
  const refused: SealedAward['refused'] = []
  const valid: RankedBid[] = []
  for (const bid of sealed.bids.toSorted(bySeal)) {
    const { provider, reveal } = bid
    const reason = refuseBid(sealed, orderDigest, bid, heard)
    heard.add(provider)
    if (reason !== undefined || reveal === null) {
      refused.push({ provider, reason: reason ?? 'unrevealed' })
      continue
    }
    const { record } = reveal.reservation
    valid.push({
      provider,
      reservation: record,
      slots: record.slots,
      nanoUsd: record.price.nanoUsd,
      scoreAt: scoreOf(provider),
      tie: tieOf(closing.root, provider),
    })
  }
  const late = sealed.late.map(({ provider }) => provider).toSorted()
  refused.push(...late.map((provider) => ({ provider, reason: 'late' as const })))
  const ranked = valid
    .map((bid) => ({ bid, score: bid.scoreAt(bid.nanoUsd) }))
    .toSorted(byRank)
    .map(({ bid }) => bid)
  const winners: SealedAward['winners'] = []
  let left = sealed.wanted
  for (const bid of ranked) {
    const slots = Math.min(left, bid.slots)
    if (slots === 0) break
    left -= slots
    const nanoUsd = clearingPrice(order, ranked, bid, { slots, wanted: sealed.wanted })
    winners.push({
      provider: bid.provider,
      reservation: digestOf(bid.reservation),
      slots,
      price: { nanoUsd, per: order.maxPrice.per },
    })
  }
  return { winners, refused }
}
