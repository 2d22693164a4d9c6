import type { Digest, JobId, TenantId } from '@muster/protocol'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { JobPhase, JobReads, JobRow, UsedOrder } from '../store/store.ts'

/** A row whose writer is not the owner of its job gets no owner, which the table refuses. */
export const upsertJobs = (sql: Sql, rows: readonly JobRow[]): Fragment => sql`
  INSERT INTO job (id, tenant, phase, waiting, running, accepted, final, abandoned, cancelled,
    ceiling, charged, submitted_at, updated_at, closed_at, owner)
  SELECT * FROM unnest(
    ${textArray(rows.map(({ id }) => id))}::text[],
    ${textArray(rows.map(({ tenant }) => tenant))}::text[],
    ${textArray(rows.map(({ phase }) => phase))}::text[],
    ${plainArray(rows.map(({ counts }) => counts.waiting))}::integer[],
    ${plainArray(rows.map(({ counts }) => counts.running))}::integer[],
    ${plainArray(rows.map(({ counts }) => counts.accepted))}::integer[],
    ${plainArray(rows.map(({ counts }) => counts.final))}::integer[],
    ${plainArray(rows.map(({ counts }) => counts.abandoned))}::integer[],
    ${plainArray(rows.map(({ counts }) => counts.cancelled))}::integer[],
    ${plainArray(rows.map(({ ceiling }) => ceiling))}::bigint[],
    ${plainArray(rows.map(({ charged }) => charged))}::bigint[],
    ${plainArray(rows.map(({ submittedAt }) => submittedAt))}::bigint[],
    ${plainArray(rows.map(({ updatedAt }) => updatedAt))}::bigint[],
    ${plainArray(rows.map(({ closedAt }) => closedAt))}::bigint[],
    ${textArray(rows.map(({ owner = '' }) => owner))}::text[]
  )
  ON CONFLICT (id) DO UPDATE SET phase = EXCLUDED.phase, waiting = EXCLUDED.waiting, running = EXCLUDED.running,
    accepted = EXCLUDED.accepted, final = EXCLUDED.final, abandoned = EXCLUDED.abandoned,
    cancelled = EXCLUDED.cancelled, charged = EXCLUDED.charged, updated_at = EXCLUDED.updated_at,
    closed_at = EXCLUDED.closed_at,
    owner = CASE WHEN EXCLUDED.owner IN ('', job.owner) THEN job.owner END`

export const insertOrders = (sql: Sql, rows: readonly UsedOrder[]): Fragment => sql`
  INSERT INTO used_order (digest, tenant, job, expires_at)
  SELECT * FROM unnest(
    ${textArray(rows.map(({ digest }) => digest))}::text[],
    ${textArray(rows.map(({ tenant }) => tenant))}::text[],
    ${textArray(rows.map(({ job }) => job))}::text[],
    ${plainArray(rows.map(({ expiresAt }) => expiresAt))}::bigint[]
  )`

export const usedOrders = async (sql: Sql, digests: readonly Digest[]): Promise<Set<Digest>> => {
  const rows = await sql<{ digest: Digest }[]>`
    SELECT digest FROM used_order WHERE digest = ANY(${textArray(digests)}::text[])`
  return new Set(rows.map(({ digest }) => digest))
}

export const pruneOrders = async (sql: Sql, now: number): Promise<number> =>
  (await sql`DELETE FROM used_order WHERE expires_at < ${now}`).count

interface Row {
  readonly id: JobId
  readonly tenant: TenantId
  readonly phase: JobPhase
  readonly waiting: number
  readonly running: number
  readonly accepted: number
  readonly final: number
  readonly abandoned: number
  readonly cancelled: number
  readonly ceiling: string
  readonly charged: string
  readonly submitted_at: string
  readonly updated_at: string
  readonly closed_at: string | null
}

const jobRow = (row: Row): JobRow => ({
  id: row.id,
  tenant: row.tenant,
  phase: row.phase,
  counts: {
    waiting: row.waiting,
    running: row.running,
    accepted: row.accepted,
    final: row.final,
    abandoned: row.abandoned,
    cancelled: row.cancelled,
  },
  ceiling: BigInt(row.ceiling),
  charged: BigInt(row.charged),
  submittedAt: Number(row.submitted_at),
  updatedAt: Number(row.updated_at),
  closedAt: row.closed_at === null ? null : Number(row.closed_at),
})

export const createJobReads = (sql: Sql): JobReads => ({
  get: async (id) => {
    const [row] = await sql<Row[]>`SELECT * FROM job WHERE id = ${id}`
    return row === undefined ? undefined : jobRow(row)
  },
  list: async ({ tenant, phase, limit, before }) => {
    const rows = await sql<Row[]>`
      SELECT * FROM job WHERE tenant = ${tenant}
        ${phase === undefined ? sql`` : sql`AND phase = ${phase}`}
        ${before === undefined ? sql`` : sql`AND id < ${before}`}
      ORDER BY id DESC LIMIT ${limit}`
    return rows.map(jobRow)
  },
  active: async () => {
    const rows = await sql<{ id: JobId }[]>`SELECT id FROM job WHERE phase = 'active' ORDER BY id`
    return rows.map(({ id }) => id)
  },
  closedSince: async ({ since, limit, after }) => {
    const rows = await sql<{ id: JobId; closed_at: string }[]>`
      SELECT id, closed_at FROM job WHERE closed_at >= ${since}
        ${after === undefined ? sql`` : sql`AND (closed_at, id) > (${after.closedAt}::bigint, ${after.id}::text)`}
      ORDER BY closed_at, id LIMIT ${limit}`
    return rows.map(({ id, closed_at }) => ({ id, closedAt: Number(closed_at) }))
  },
})
