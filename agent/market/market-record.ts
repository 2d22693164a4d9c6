/** What an agent has seen of one market: which of its reservations became leases, and what of its work was settled. */
export interface MarketRecord {
  /** Reservations, by what became of them: leased, given back soon, or held in vain. */
  readonly leased: number
  readonly released: number
  readonly lapsed: number
  /** Times it asked for more than its share, or while it rested. */
  readonly turnedAway: number
  /** Claims sent to it for the first time, and those it said it has settled. */
  readonly claimed: number
  readonly settled: number
  /** Recent reservations that were kept and in vain, in thousandths; each new one makes those before it weigh a little less. */
  readonly kept: number
  readonly vain: number
  /** Reservations in vain since the last lease. */
  readonly vainInARow: number
  /** How often it was rested since the last lease. */
  readonly rests: number
  /** Wall-clock ms; it is offered nothing before. */
  readonly restsUntil: number
}

export type MarketEvent = 'leased' | 'released' | 'lapsed' | 'turned-away'

export const newMarketRecord: MarketRecord = {
  leased: 0,
  released: 0,
  lapsed: 0,
  turnedAway: 0,
  claimed: 0,
  settled: 0,
  kept: 0,
  vain: 0,
  vainInARow: 0,
  rests: 0,
  restsUntil: 0,
}

/** Half the weight is gone after some 34 reservations. */
const fade = (weight: number): number => Math.floor(weight * 0.98)
const once = 1_000
const vainBeforeRest = 3
const firstRestMs = 10_000
const longestRestMs = 600_000

/** The record after what happened to one of the market's reservations. The third in vain in a row rests it, each time for twice as long. */
export const stepMarketRecord = (record: MarketRecord, event: MarketEvent, now: number): MarketRecord => {
  switch (event) {
    case 'leased':
      return {
        ...record,
        leased: record.leased + 1,
        kept: fade(record.kept) + once,
        vain: fade(record.vain),
        vainInARow: 0,
        rests: 0,
      }
    case 'released':
      return { ...record, released: record.released + 1 }
    case 'turned-away':
      return { ...record, turnedAway: record.turnedAway + 1 }
    case 'lapsed': {
      const lapsed = {
        ...record,
        lapsed: record.lapsed + 1,
        kept: fade(record.kept),
        vain: fade(record.vain) + once,
        vainInARow: record.vainInARow + 1,
      }
      if (lapsed.vainInARow < vainBeforeRest) return lapsed
      const restMs = Math.min(longestRestMs, firstRestMs * 2 ** Math.min(lapsed.rests, 10))
      return { ...lapsed, kept: 0, vainInARow: 0, rests: lapsed.rests + 1, restsUntil: now + restMs }
    }
  }
}

/** It has opened leases for at least half of what it held lately. */
export const isProven = ({ kept, vain }: Pick<MarketRecord, 'kept' | 'vain'>): boolean =>
  kept > once / 2 && kept >= vain

/**
 * Slots that a market may hold reserved without a lease: all there are where no other is linked or it is proven, else its share,
 * rounded up and one at least. `share` (0 to 1) is what the owner set; `null` shares equally.
 */
export const reservableSlots = (
  total: number,
  linkedMarkets: number,
  record: Pick<MarketRecord, 'kept' | 'vain'>,
  share: number | null,
): number => {
  if (linkedMarkets <= 1 || isProven(record)) return total
  return Math.min(total, Math.max(1, Math.ceil(total * (share ?? 1 / linkedMarkets))))
}
