import {
  MusterError,
  isStanding,
  standingEventSchema,
  standingOrderSchema,
  standingStateSchema,
  toJson,
  type StandingEvent,
  type StandingOrderId,
} from '@muster/protocol'
import postgres from 'postgres'
import { insertTexts } from '../personal/store.ts'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { StandingOrders, StoredStandingOrder } from '../store/standing-order-store.ts'

interface Row {
  readonly placed: string
  readonly state: string
}

const restore = ({ placed, state }: Row): StoredStandingOrder => ({
  order: standingOrderSchema.parse(JSON.parse(placed)),
  state: standingStateSchema.parse(JSON.parse(state)),
})

const missingBlob = (cause: unknown): MusterError =>
  new MusterError({
    code: 'blob_missing',
    message: 'The standing order refers to a blob that the market does not have; upload it first.',
    cause,
  })

export const createStandingOrders = (sql: Sql): StandingOrders => {
  const insertEvents = (
    own: Sql,
    id: StandingOrderId,
    first: number,
    events: readonly StandingEvent[],
  ): Fragment => own`
    INSERT INTO standing_order_event (standing_order, number, event)
    SELECT ${id}, * FROM unnest(
      ${plainArray(events.map((_, index) => first + index))}::integer[],
      ${textArray(events.map((event) => toJson(event)))}::text[]
    )`

  return {
    place: async ({ order, state, events, text }, blobs) => {
      try {
        return await sql.begin(async (own) => {
          const made = await own`
            INSERT INTO standing_order (id, tenant, is_open, placed, version, state, updated_at)
            VALUES (${order.id}, ${order.tenant}, true, ${toJson(order)}, ${state.version}, ${toJson(state)}, ${state.updatedAt})
            ON CONFLICT DO NOTHING`
          if (made.count === 0) return false
          await insertEvents(own as unknown as Sql, order.id, 1, events)
          await insertTexts(own as unknown as Sql, [text])
          await own`
            INSERT INTO blob_ref (job, cid) SELECT ${order.id}, * FROM unnest(${textArray(blobs)}::text[]) ON CONFLICT DO NOTHING`
          return true
        })
      } catch (error) {
        if (error instanceof postgres.PostgresError && error.code === '23503') throw missingBlob(error)
        throw error
      }
    },
    get: async (id) => {
      const [row] = await sql<Row[]>`SELECT placed, state FROM standing_order WHERE id = ${id}`
      return row === undefined ? undefined : restore(row)
    },
    list: async ({ tenant, limit, before }) => {
      const rows = await sql<Row[]>`
        SELECT placed, state FROM standing_order WHERE tenant = ${tenant}
          ${before === undefined ? sql`` : sql`AND id < ${before}`} ORDER BY id DESC LIMIT ${limit}`
      return rows.map(restore)
    },
    open: async ({ limit, after = '' }) => {
      const rows = await sql<Row[]>`
        SELECT placed, state FROM standing_order WHERE is_open AND id > ${after} ORDER BY id LIMIT ${limit}`
      return rows.map(restore)
    },
    countOpen: async (tenant) => {
      const [row] = await sql<[{ count: string }]>`
        SELECT count(*) AS count FROM standing_order WHERE tenant = ${tenant} AND is_open`
      return Number(row.count)
    },
    changedSince: async ({ since, limit, after }) => {
      const rows = await sql<Row[]>`
        SELECT placed, state FROM standing_order WHERE updated_at >= ${since}
          ${after === undefined ? sql`` : sql`AND (updated_at, id) > (${after.updatedAt}::bigint, ${after.id}::text)`}
        ORDER BY updated_at, id LIMIT ${limit}`
      return rows.map(restore)
    },
    advance: ({ id, expectedVersion, state, events }) =>
      sql.begin(async (own) => {
        const done = await own`
          UPDATE standing_order SET version = ${state.version}, state = ${toJson(state)}, is_open = ${isStanding(state)},
            updated_at = ${state.updatedAt}
          WHERE id = ${id} AND version = ${expectedVersion}`
        if (done.count === 0) return false
        await insertEvents(own as unknown as Sql, id, expectedVersion + 1, events)
        if (!isStanding(state)) await own`DELETE FROM blob_ref WHERE job = ${id}`
        return true
      }),
    events: async (id, { limit, after = 0 }) => {
      const rows = await sql<{ number: number; event: string }[]>`
        SELECT number, event FROM standing_order_event WHERE standing_order = ${id} AND number > ${after}
        ORDER BY number LIMIT ${limit}`
      return rows.map(({ number, event }) => ({ number, event: standingEventSchema.parse(JSON.parse(event)) }))
    },
  }
}
