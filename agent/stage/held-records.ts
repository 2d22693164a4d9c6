import type { Journal } from '../journal/journal.ts'
import type { JournalRecord } from '../journal/journal-record.ts'

/** What a journal holds of promises and work: all but the records of markets, which stay. */
export const heldRecords = async (journal: Pick<Journal, 'load'>): Promise<JournalRecord[]> =>
  (await journal.load()).filter(({ kind }) => kind !== 'market')
