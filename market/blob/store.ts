import type { Cid, TenantId } from '@muster/protocol'
import postgres from 'postgres'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { BlobRef, BlobRow, Blobs } from '../store/store.ts'

export const upsertBlobs = (sql: Sql, rows: readonly BlobRow[]): Fragment => sql`
  INSERT INTO blob (cid, bytes, created_at)
  SELECT * FROM unnest(
    ${textArray(rows.map(({ cid }) => cid))}::text[],
    ${plainArray(rows.map(({ bytes }) => bytes))}::bigint[],
    ${plainArray(rows.map(({ createdAt }) => createdAt))}::bigint[]
  )
  ON CONFLICT (cid) DO UPDATE SET created_at = greatest(blob.created_at, EXCLUDED.created_at)`

export const insertBlobRefs = (sql: Sql, refs: readonly BlobRef[]): Fragment => sql`
  INSERT INTO blob_ref (job, cid)
  SELECT * FROM unnest(
    ${textArray(refs.map(({ job }) => job))}::text[],
    ${textArray(refs.map(({ cid }) => cid))}::text[]
  )
  ON CONFLICT DO NOTHING`

interface Row {
  readonly cid: Cid
  readonly bytes: string
  readonly created_at: string
}

const blobRow = (row: Row): BlobRow => ({
  cid: row.cid,
  bytes: Number(row.bytes),
  createdAt: Number(row.created_at),
})

const isReferred = (error: unknown): boolean => error instanceof postgres.PostgresError && error.code === '23503'

export const createBlobs = (sql: Sql): Blobs => ({
  put: async ({ cid, bytes, createdAt }, uploader: TenantId | null = null) => {
    await sql`
      INSERT INTO blob (cid, bytes, created_at, uploader) VALUES (${cid}, ${bytes}, ${createdAt}, ${uploader})
      ON CONFLICT (cid) DO UPDATE SET created_at = greatest(blob.created_at, EXCLUDED.created_at)`
  },
  get: async (cid) => {
    const [row] = await sql<Row[]>`SELECT cid, bytes, created_at FROM blob WHERE cid = ${cid}`
    return row === undefined ? undefined : blobRow(row)
  },
  known: async (cids) => {
    const rows = await sql<{ cid: Cid }[]>`SELECT cid FROM blob WHERE cid = ANY(${textArray(cids)}::text[])`
    return new Set(rows.map(({ cid }) => cid))
  },
  usage: async () => {
    const [row] = await sql<[{ count: string; bytes: string }]>`
      SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM blob`
    return { count: Number(row.count), bytes: Number(row.bytes) }
  },
  unreferenced: async ({ olderThan, limit }) => {
    const rows = await sql<Row[]>`
      SELECT cid, bytes, created_at FROM blob b
      WHERE created_at < ${olderThan} AND NOT EXISTS (SELECT FROM blob_ref r WHERE r.cid = b.cid)
      ORDER BY created_at, cid LIMIT ${limit}`
    return rows.map(blobRow)
  },
  remove: async (cid, olderThan) => {
    try {
      const done = await sql`
        DELETE FROM blob b WHERE cid = ${cid} AND created_at < ${olderThan}
          AND NOT EXISTS (SELECT FROM blob_ref r WHERE r.cid = b.cid)`
      return done.count === 1
    } catch (error) {
      // A commit that refers to the blob came first.
      if (isReferred(error)) return false
      throw error
    }
  },
  unreferencedBytes: async (uploader) => {
    const [row] = await sql<[{ bytes: string }]>`
      SELECT coalesce(sum(bytes), 0) AS bytes FROM blob b
      WHERE NOT EXISTS (SELECT FROM blob_ref r WHERE r.cid = b.cid)
        ${uploader === undefined ? sql`` : sql`AND b.uploader = ${uploader}`}`
    return Number(row.bytes)
  },
  dropRefs: async (job) => (await sql`DELETE FROM blob_ref WHERE job = ${job}`).count,
  dropRefsOfClosed: async (closedBefore) => {
    const done = await sql`DELETE FROM blob_ref r USING job j WHERE j.id = r.job AND j.closed_at < ${closedBefore}`
    return done.count
  },
})
