import { insertBlobRefs, upsertBlobs } from '../../blob/store.ts'
import { insertOrders, upsertJobs } from '../../job/store.ts'
import { insertJournal } from '../../journal/store.ts'
import { insertEntries, insertLegs, postAccounts } from '../../ledger/store.ts'
import { insertTexts } from '../../personal/store.ts'
import { insertTranscripts } from '../../auction/store.ts'
import { insertBatches } from '../../receipt/store.ts'
import type { Fragment, Sql } from './connection.ts'
import type { CommitGroup } from './merge-commits.ts'

/** Who writes: see the table `writer`. */
export interface WriterMark {
  readonly id: string
  readonly number: number
  readonly fence: number
  readonly at: number
}

// A mark with a fence that was raised since gets no number, which the table refuses.
const mark = (sql: Sql, { id, number, fence, at }: WriterMark): Fragment => sql`
  INSERT INTO writer (id, number, fence, at) VALUES (${id}, ${number}, ${fence}, ${at})
  ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at,
    number = CASE WHEN writer.fence = EXCLUDED.fence THEN EXCLUDED.number END`

const part = <Row>(
  sql: Sql,
  name: string,
  rows: readonly Row[],
  write: (sql: Sql, rows: readonly Row[]) => Fragment,
): Fragment => (rows.length === 0 ? sql`` : sql`, ${sql(name)} AS (${write(sql, rows)})`)

/** Writes a group as one statement, and so as one transaction in one round trip. */
export const writeGroup = async (sql: Sql, group: CommitGroup, writer: WriterMark): Promise<void> => {
  await sql`
    WITH marked AS (${mark(sql, writer)})
    ${part(sql, 'appended', group.journal, insertJournal)}
    ${part(sql, 'listed', group.jobs, upsertJobs)}
    ${part(sql, 'used', group.orders, insertOrders)}
    ${part(sql, 'receipted', group.receipts, insertBatches)}
    ${part(sql, 'auctioned', group.transcripts, insertTranscripts)}
    ${part(sql, 'entered', group.entries, insertEntries)}
    ${part(sql, 'legged', group.entries, insertLegs)}
    ${part(sql, 'posted', group.accounts, postAccounts)}
    ${part(sql, 'stored', group.blobs, upsertBlobs)}
    ${part(sql, 'referred', group.blobRefs, insertBlobRefs)}
    ${part(sql, 'named', group.texts, insertTexts)}
    SELECT 1`
}
