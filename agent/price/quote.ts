import { formatUsd, type Address, type LeaseKind, type NanoUsd, type Price, type PriceUnit } from '@muster/protocol'
import { basePrice, type BasePart, type PricedSlot } from './base-price.ts'
import { curveFactor } from './curve-factor.ts'
import type { PricePolicy } from './price-policy.ts'
import { fromMillionths, isLess, million, multiply, one, roundUp, sayRatio, whole, type Ratio } from './ratio.ts'
import { refuseOrder, type OrderSource, type QuoteRefusal } from './refuse-order.ts'
import { sayRule, timeRuleAt } from './time-rule.ts'

/** What is to be priced: an order, sealed or not, or whatever a standing offer is for. */
export interface QuotedOrder extends OrderSource, PricedSlot {
  readonly unit: PriceUnit
  /** On demand where it is left out. */
  readonly lease?: LeaseKind
  /** The most the tenant pays for a unit, where that is known; it is no part of the price. */
  readonly maxNanoUsd: NanoUsd | null
}

export interface Enquiry {
  readonly order: QuotedOrder
  /** How many slots are asked for; the price is that of one. */
  readonly slots: number
  /** Share of this machine's slots that are leased, 0 to 1. */
  readonly utilisation: number
  /** `null`: some market that the policy does not name. */
  readonly market: Address | null
  /** Milliseconds since 1970. */
  readonly at: number
}

export const quoteSteps = ['base', 'utilisation', 'time', 'lease', 'mark-up', 'minimum', 'rounding'] as const

/** One step towards a price: what was done, and the exact nano-dollars after it. */
export interface QuoteStep {
  readonly step: (typeof quoteSteps)[number]
  readonly what: string
  readonly factor: Ratio | null
  readonly nanoUsd: Ratio
  /** What a base price is the sum of; nothing in the other steps. */
  readonly parts: readonly BasePart[]
}

/** A price, or why there is none; and every step up to there. */
export type Quote =
  | { readonly price: Price; readonly refusal: null; readonly steps: readonly QuoteStep[] }
  | { readonly price: null; readonly refusal: QuoteRefusal; readonly steps: readonly QuoteStep[] }

/** What a signed 64-bit column holds. */
const most = 2n ** 63n - 1n

/** To a millionth; what is no share counts as none. */
const shareOf = (utilisation: number): Ratio =>
  fromMillionths(BigInt(utilisation > 0 ? Math.round(Math.min(1, utilisation) * Number(million)) : 0))

const markUpOf = ({ markUp, otherMarkUp }: PricePolicy, market: Address | null): Ratio =>
  (market === null ? undefined : markUp.get(market)) ?? otherMarkUp

const refuse = (refusal: QuoteRefusal, steps: readonly QuoteStep[] = []): Quote => ({ price: null, refusal, steps })

const kindOf = ({ lease }: QuotedOrder): LeaseKind => lease ?? 'on-demand'

const isKindSold = ({ leases }: PricePolicy, kind: LeaseKind): boolean =>
  leases.size === 0 ? kind === 'on-demand' : leases.has(kind)

const applySteps = (policy: PricePolicy, { order, utilisation, market, at }: Enquiry, base: QuoteStep): QuoteStep[] => {
  const steps = [base]
  const now = (): Ratio => steps.at(-1)?.nanoUsd ?? base.nanoUsd
  const apply = (step: QuoteStep['step'], what: string, factor: Ratio): void =>
    void steps.push({ step, what, factor, nanoUsd: multiply(now(), factor), parts: [] })

  const sold = shareOf(utilisation)
  const percent = `${sayRatio(multiply(sold, whole(100n)), 2)} % of slots leased`
  apply('utilisation', percent, curveFactor(policy.utilisation, sold))
  const rule = timeRuleAt(policy, at)
  apply('time', rule === undefined ? 'no rule in force' : `${sayRule(rule)} ${policy.timeZone}`, rule?.factor ?? one)
  const lease = policy.leases.get(kindOf(order))
  if (lease !== undefined) apply('lease', kindOf(order), lease.factor)
  apply('mark-up', market ?? 'another market', markUpOf(policy, market))
  const least = whole(policy.minimum.get(order.unit) ?? 0n)
  const isTooLow = isLess(now(), least)
  const minimum = `${formatUsd(least.numerator)} at least`
  steps.push({ step: 'minimum', what: minimum, factor: null, nanoUsd: isTooLow ? least : now(), parts: [] })
  steps.push({ step: 'rounding', what: 'up to a nano-dollar', factor: null, nanoUsd: whole(roundUp(now())), parts: [] })
  return steps
}

/**
 * What a policy asks for one slot's unit: ((base × utilisation × time × lease × mark-up), the minimum at least, rounded up to a nano-dollar
 * once. Exact arithmetic throughout, so the same arguments give the same price everywhere; docs/spec/pricing.md.
 * Never throws: whom the policy does not serve, and what integers do not hold, is refused.
 */
export const quote = (policy: PricePolicy, enquiry: Enquiry): Quote => {
  const { order, slots, market } = enquiry
  const refusal = refuseOrder(policy, order, market)
  if (refusal !== undefined) return refuse(refusal)
  const prices = policy.runtimes.get(order.runtime)
  const own = prices?.get(order.unit)
  if (own === undefined) {
    return refuse({
      reason: 'not_sold',
      message: `The policy has no price for ${order.runtime} by the ${order.unit}.`,
      expected: [...(prices?.keys() ?? [])].join(' or ') || [...policy.runtimes.keys()].join(' or '),
      found: `${order.runtime} per ${order.unit}`,
    })
  }
  if (!isKindSold(policy, kindOf(order))) {
    return refuse({
      reason: 'lease_not_sold',
      message: `The policy sells no leases of the kind ${kindOf(order)}.`,
      expected: [...policy.leases.keys()].join(' or ') || 'on-demand',
      found: kindOf(order),
    })
  }
  const base = basePrice(policy.resources, own, order.unit, order)
  if ('unpriced' in base) {
    return refuse({
      reason: 'gpu_unpriced',
      message: `The policy has no price for ${base.unpriced}.`,
      expected: 'a price in resources.gpuHour',
      found: base.unpriced,
    })
  }
  const { parts, total } = base
  const what = `one ${order.unit}${order.unit === 'hour' ? ' of a slot' : ''}`
  const steps = applySteps(policy, enquiry, { step: 'base', what, factor: null, nanoUsd: total, parts })
  const nanoUsd = roundUp(steps.at(-1)?.nanoUsd ?? total)
  if (nanoUsd * BigInt(Math.max(1, slots)) > most) {
    const message = 'This price times the slots is more than an amount can hold.'
    return refuse({ reason: 'out_of_range', message, expected: `at most ${most}`, found: String(nanoUsd) }, steps)
  }
  if (order.maxNanoUsd !== null && nanoUsd > order.maxNanoUsd) {
    const expected = `at most ${formatUsd(order.maxNanoUsd)}`
    const message = `The policy asks more than the order pays: ${expected} per ${order.unit}.`
    return refuse({ reason: 'above_max_price', message, expected, found: formatUsd(nanoUsd) }, steps)
  }
  return { price: { nanoUsd, per: order.unit }, refusal: null, steps }
}
