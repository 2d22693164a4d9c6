import { decodeCanonical, encodeCanonical, restoreJob, snapshotJob, type JobId } from '@muster/protocol'
import { packBytes, plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { GroupedJournalRow } from '../store/postgres/merge-commits.ts'
import type { Store } from '../store/store.ts'
import { decodeEvents } from './encode-events.ts'

/** A row whose version is not the end of its stream gets none, which the table refuses. */
export const insertJournal = (sql: Sql, rows: readonly GroupedJournalRow[]): Fragment => {
  const { base64, starts, lengths } = packBytes(rows.map(({ events }) => events))
  return sql`
  INSERT INTO journal (stream, version, count, at, events)
  SELECT a.stream,
    CASE WHEN a.follows OR a.version = coalesce(
      (SELECT j.version + j.count FROM journal j WHERE j.stream = a.stream ORDER BY j.version DESC LIMIT 1), 0)
    THEN a.version END,
    a.count, a.at, substring((SELECT decode(${base64}, 'base64')) FROM a.start FOR a.length)
  FROM unnest(
    ${textArray(rows.map(({ stream }) => stream))}::text[],
    ${plainArray(rows.map(({ version }) => version))}::integer[],
    ${plainArray(rows.map(({ count }) => count))}::integer[],
    ${plainArray(rows.map(({ at }) => at))}::bigint[],
    ${starts}::integer[],
    ${lengths}::integer[],
    ${plainArray(rows.map(({ follows }) => follows))}::boolean[]
  ) AS a (stream, version, count, at, start, length, follows)`
}

/** Events in each of the streams; those without any are left out. */
export const streamVersions = async (sql: Sql, streams: readonly JobId[]): Promise<Map<JobId, number>> => {
  const rows = await sql<{ stream: JobId; version: number }[]>`
    SELECT stream, max(version + count) AS version FROM journal
    WHERE stream = ANY(${textArray(streams)}::text[]) GROUP BY stream`
  return new Map(rows.map(({ stream, version }) => [stream, version]))
}

interface Row {
  readonly version: number
  readonly count: number
  readonly events: Uint8Array
}

// Rows are read this many at a time, and a page of events ends with its last row.
const rowsPerRead = 256

export const createJournal = (sql: Sql): Pick<Store, 'readStream' | 'readEvents' | 'writeSnapshot'> => {
  const rowsFrom = (stream: JobId, from: number, limit: number | null) => sql<Row[]>`
    SELECT version, count, events FROM journal
    WHERE stream = ${stream} AND version >= coalesce(
      (SELECT max(version) FROM journal WHERE stream = ${stream} AND version <= ${from}), 0)
    ORDER BY version LIMIT ${limit}`
  return {
    readStream: async (stream) => {
      const [kept] = await sql<{ version: number; state: Uint8Array }[]>`
        SELECT version, state FROM snapshot WHERE stream = ${stream}`
      const from = kept?.version ?? 0
      const rows = await rowsFrom(stream, from, null)
      const last = rows.at(-1)
      if (last === undefined) return undefined
      return {
        snapshot: kept === undefined ? null : { version: from, job: restoreJob(decodeCanonical(kept.state)) },
        events: rows
          .flatMap(({ version, events }) => decodeEvents(version, events))
          .filter(({ version }) => version >= from),
        version: last.version + last.count,
      }
    },
    readEvents: async (stream, { from, limit }) => {
      const events = []
      for (let next = from; events.length < limit;) {
        const rows = await rowsFrom(stream, next, rowsPerRead)
        for (const { version, events: bytes } of rows) {
          events.push(...decodeEvents(version, bytes).filter((event) => event.version >= next))
        }
        const last = rows.at(-1)
        if (last === undefined || rows.length < rowsPerRead) break
        next = last.version + last.count
      }
      return events.slice(0, limit)
    },
    writeSnapshot: async ({ stream, version, job, at }) => {
      const state = Buffer.from(encodeCanonical(snapshotJob(job)))
      await sql`
        INSERT INTO snapshot (stream, version, at, state) VALUES (${stream}, ${version}, ${at}, ${state})
        ON CONFLICT (stream) DO UPDATE SET version = EXCLUDED.version, at = EXCLUDED.at, state = EXCLUDED.state
        WHERE snapshot.version < EXCLUDED.version`
    },
  }
}
