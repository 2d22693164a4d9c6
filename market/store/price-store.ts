import type { Period } from './store.ts'
import type { Series, Trade } from '@muster/protocol'

/** The lowest price asked of a series within an hour, in nano-dollars for a unit of it. */
export interface Ask extends Series {
  /** When the hour begins, wall-clock ms. */
  readonly hour: number
  readonly price: number
}

export interface PriceQuery extends Required<Period> {
  /** Rows are of spans of this many ms, counted from `from`; their `hour` is when the span begins. A multiple of an hour. */
  readonly stepMs: number
  /** Left out, all series. */
  readonly kind?: string
  readonly per?: Series['per']
}

/** What was traded, by the hour, and what was asked: figures of prices are made from it. Trades can be had again from the receipts. */
export interface Prices {
  /** Puts the trades of one hour in place of those there were. */
  replaceHour(hour: number, trades: readonly Trade[]): Promise<void>
  /** The newest hour whose trades were put, empty or not. */
  newestHour(): Promise<number | undefined>
  /** Summed up by span, series, provider and tenant, in no order. */
  trades(query: PriceQuery): Promise<readonly Trade[]>
  /** Keeps the lower one of each series and hour. */
  noteAsks(asks: readonly Ask[]): Promise<void>
  /** The lowest of each span and series, in no order. */
  asks(query: PriceQuery): Promise<readonly Ask[]>
  /** Forgets hours that began before `olderThan` (wall-clock ms). */
  prune(olderThan: number): Promise<void>
}
