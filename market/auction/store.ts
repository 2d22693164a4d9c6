import { lowestId } from '@muster/protocol'
import { packBytes, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { Auctions, KeptTranscriptRow, TranscriptRow } from '../store/auction-store.ts'
import { readSummary, readTranscript } from './encode-transcript.ts'

/** A transcript that is there already is the same one, from a commit whose answer was lost. */
export const insertTranscripts = (sql: Sql, rows: readonly TranscriptRow[]): Fragment => {
  const { base64, starts, lengths } = packBytes(rows.map(({ body }) => body))
  return sql`
  INSERT INTO auction (id, job, summary, body)
  SELECT t.id, t.job, t.summary, substring((SELECT decode(${base64}, 'base64')) FROM t.start FOR t.length)
  FROM unnest(
    ${textArray(rows.map(({ id }) => id))}::text[],
    ${textArray(rows.map(({ job }) => job))}::text[],
    ${textArray(rows.map(({ summary }) => summary))}::text[],
    ${starts}::integer[],
    ${lengths}::integer[]
  ) AS t (id, job, summary, start, length)
  ON CONFLICT (id) DO NOTHING`
}

export const createAuctions = (sql: Sql): Auctions => ({
  get: async (id) => {
    const [row] = await sql<Pick<KeptTranscriptRow, 'body'>[]>`SELECT body FROM auction WHERE id = ${id}`
    return row === undefined ? undefined : readTranscript(row)
  },
  ofJob: async (job, { limit, after }) => {
    const rows = await sql<Pick<TranscriptRow, 'summary'>[]>`
      SELECT summary FROM auction WHERE job = ${job} ${after === undefined ? sql`` : sql`AND id > ${after}`}
      ORDER BY id LIMIT ${limit}`
    return rows.map(readSummary)
  },
  prune: async (olderThan) =>
    (
      await sql`
      UPDATE auction SET body = NULL
      WHERE id < ${lowestId('auction', Math.max(0, olderThan))} AND body IS NOT NULL`
    ).count,
})
