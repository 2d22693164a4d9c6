import {
  askedRequirements,
  keepNearest,
  missOf,
  nearestTold,
  priceUnits,
  type Demand,
  type NearMisses,
  type OutOfRace,
  type PricedMiss,
  type SignedOffer,
} from '@muster/protocol'
import type { WideSearchOptions } from './offer-index.ts'
import type { Side } from './shelf-board.ts'

export interface NearMissesModules {
  /** What fits, cheapest first. */
  readonly search: (demand: Demand, options: WideSearchOptions) => readonly SignedOffer[]
  /** Standing offers altogether. */
  readonly count: number
  readonly now: number
}

export interface NearMissesOptions extends OutOfRace {
  /** Whether an offer must have slots that are believed free; else each counts as if it had. */
  readonly needsSlots: boolean
}

const sides: readonly Side[] = ['open', 'closed']
/** What fits is counted so far. */
const mostCounted = 1_000
/** Of a search that finds offers which cannot win, so many are looked at for some that can. */
const mostLooked = 512
/** Searches that waive two requirements. */
const mostPairs = 48
const pageSize = 32

/** Pairs of the first with each other, then of the second, and so on: the likeliest first. */
const pairsOf = function* (requirements: readonly string[]): Iterable<readonly [string, string]> {
  for (const [at, first] of requirements.entries())
    for (const second of requirements.slice(at + 1)) yield [first, second]
}

/**
 * What `findNearMisses` gives, found by searches that each waive a requirement, without a look at every offer. The offers that fail
 * one requirement are exactly those, as far as no more than 512 cheaper ones of providers that are out of the race fail the same;
 * those that fail more are a good few of them: what 48 pairs of requirements give, and then the cheapest there are.
 */
export const nearMisses = (
  asked: Demand,
  { needsSlots, ...out }: NearMissesOptions,
  { search, count, now }: NearMissesModules,
): NearMisses => {
  const near: PricedMiss[] = []
  const seen = new Set<string>()
  const full = (): boolean => near.length === nearestTold

  const missOn = ({ record }: SignedOffer, side: Side): PricedMiss => {
    const slots = needsSlots && side === 'closed' ? 0 : Math.max(1, record.slots)
    return missOf(asked, { ...record, slots }, now, out)
  }

  const keyOf = ({ provider, offer }: PricedMiss): string => `${provider}${offer}`

  const keep = (miss: PricedMiss): void => {
    if (miss.failed.length === 0 || seen.has(keyOf(miss))) return
    seen.add(keyOf(miss))
    keepNearest(near, miss)
  }

  /** Goes along what a search finds until it has enough of those that count. */
  const gather = (
    side: Side,
    options: Pick<WideSearchOptions, 'per' | 'waived'>,
    counts: (miss: PricedMiss) => boolean,
  ): void => {
    let enough = 0
    let after: SignedOffer | undefined
    for (let looked = 0; looked < mostLooked && enough < nearestTold; looked += pageSize) {
      const page = search(asked, { ...options, side, limit: pageSize, ...(after === undefined ? {} : { after }) })
      for (const offer of page) {
        const miss = missOn(offer, side)
        if (counts(miss)) enough++
        keep(miss)
      }
      after = page.at(-1)
      if (page.length < pageSize) return
    }
  }

  /** With these requirements waived, in each unit where that is one of them. */
  const waive = (side: Side, failures: number, requirements: readonly string[]): void => {
    const counts = ({ failed }: PricedMiss): boolean => failed.length <= failures
    if (!requirements.includes('price.per')) return gather(side, { waived: new Set(requirements) }, counts)
    for (const per of priceUnits)
      if (per !== asked.maxPrice.per) gather(side, { per, waived: new Set([...requirements, 'price']) }, counts)
  }

  let fitting = 0
  let isMore = false
  for (const side of sides) {
    const found = search(asked, { side, limit: mostCounted })
    if (found.length === mostCounted) isMore = true
    let busy = 0
    for (const offer of found) {
      const { provider } = offer.record
      const isOut = out.unbonded.has(provider) || out.declined.has(provider)
      if (!isOut) fitting++
      if (isOut || (side === 'closed' && busy++ < nearestTold)) keep(missOn(offer, side))
    }
  }

  const requirements = askedRequirements(asked)
  for (const requirement of requirements) {
    waive('open', 1, [requirement])
    if (!needsSlots) waive('closed', 1, [requirement])
  }
  if (needsSlots && !full()) for (const requirement of requirements) waive('closed', 2, [requirement])
  let pairs = 0
  for (const pair of pairsOf(requirements)) {
    if (full() || ++pairs > mostPairs) break
    waive('open', 2, pair)
  }
  const waived = new Set(requirements)
  for (const side of sides)
    for (const per of priceUnits) if (!full()) gather(side, { per, waived }, (miss) => !seen.has(keyOf(miss)))
  return { offers: count, fitting, isMore, nearest: near }
}
