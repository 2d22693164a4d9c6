import type { Address } from '@muster/protocol'
import type { JournalChange, JournalRecord } from './journal-record.ts'

/** What an agent must not forget, whatever kills it. Two implementations pass `journal-compliance.ts`. */
export interface Journal {
  /** All records, in no particular order. Throws `record_invalid` where what lies there cannot be read. */
  load(): Promise<JournalRecord[]>
  /**
   * Applies the changes, all or none, and resolves once they and every commit before them are durable; an empty commit
   * is a barrier. Commits made together share one transaction. Rejects with `disk_full` or `unavailable`.
   */
  commit(changes: readonly JournalChange[]): Promise<void>
  /**
   * The epoch of the next link to a market: a number above every one given for it before, durable when it resolves, and no
   * less than `atLeast`. Throws `RangeError` where there is no such number up to `maxEpoch`.
   */
  nextEpoch(market: Address, atLeast: number): Promise<number>
  close(): Promise<void>
}
