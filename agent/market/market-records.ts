import type { Address, Timer, World } from '@muster/protocol'
import { forgetMarket, put, type JournalChange } from '../journal/journal-record.ts'
import { newMarketRecord, stepMarketRecord, type MarketEvent, type MarketRecord } from './market-record.ts'

/** The agent's own records of its markets, kept in its journal. */
export interface MarketRecords {
  of(market: Address): MarketRecord
  load(market: Address, record: MarketRecord): void
  note(market: Address, event: MarketEvent): void
  claimed(market: Address, count: number): void
  settled(market: Address, count: number): void
  forget(market: Address): void
  isResting(market: Address): boolean
  /** Writes what waits to be written. */
  flush(): void
  stop(): void
}

export interface MarketRecordsModules {
  readonly world: World
  readonly write: (changes: readonly JournalChange[]) => void
  /** What this market may be offered is another. */
  readonly onChange: () => void
}

/** A crash loses this much of what was counted, and nothing that was promised. */
const writeMs = 5_000

export const createMarketRecords = ({ world, write, onChange }: MarketRecordsModules): MarketRecords => {
  const records = new Map<Address, MarketRecord>()
  const unwritten = new Set<Address>()
  let writing: Timer | null = null
  let waking: Timer | null = null

  const of = (market: Address): MarketRecord => records.get(market) ?? newMarketRecord

  const flush = (): void => {
    writing?.cancel()
    writing = null
    const changes = [...unwritten].map((market) => put({ kind: 'market', id: market, record: of(market) }))
    unwritten.clear()
    if (changes.length > 0) write(changes)
  }

  const set = (market: Address, record: MarketRecord): void => {
    records.set(market, record)
    unwritten.add(market)
    writing ??= world.after(writeMs, flush)
  }

  /** Offers go out again when the first rest ends. */
  const wake = (): void => {
    waking?.cancel()
    const now = world.now()
    const ends = [...records.values()].map(({ restsUntil }) => restsUntil).filter((at) => at > now)
    if (ends.length === 0) return void (waking = null)
    waking = world.after(Math.min(...ends) - now, () => {
      onChange()
      wake()
    })
  }

  return {
    of,
    flush,
    load: (market, record) => {
      records.set(market, record)
      wake()
    },
    note: (market, event) => {
      const before = of(market)
      const after = stepMarketRecord(before, event, world.now())
      set(market, after)
      if (after.restsUntil === before.restsUntil) return
      wake()
      onChange()
    },
    claimed: (market, count) => set(market, { ...of(market), claimed: of(market).claimed + count }),
    settled: (market, count) => set(market, { ...of(market), settled: of(market).settled + count }),
    forget: (market) => {
      records.delete(market)
      unwritten.delete(market)
      write([forgetMarket(market)])
    },
    isResting: (market) => of(market).restsUntil > world.now(),
    stop: () => {
      writing?.cancel()
      waking?.cancel()
    },
  }
}
