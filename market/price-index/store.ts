import { seriesKey, type Address, type PriceUnit, type TenantId } from '@muster/protocol'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { PriceQuery, Prices } from '../store/price-store.ts'

interface TradeRow {
  readonly hour: string
  readonly kind: string
  readonly region: string
  readonly per: PriceUnit
  readonly provider: Address
  readonly tenant: TenantId
  readonly amount: string
  readonly quantity: string
  readonly leases: string
}

interface AskRow extends Pick<TradeRow, 'hour' | 'kind' | 'region' | 'per'> {
  readonly price: number
}

export const createPrices = (sql: Sql): Prices => {
  const span = ({ from, stepMs }: PriceQuery): Fragment =>
    sql`${from}::bigint + (hour - ${from}::bigint) / ${stepMs}::bigint * ${stepMs}::bigint`
  const isWanted = ({ from, to, kind, per }: PriceQuery): Fragment => sql`
    hour >= ${from} AND hour < ${to} ${kind === undefined ? sql`` : sql`AND kind = ${kind}`}
    ${per === undefined ? sql`` : sql`AND per = ${per}`}`

  return {
    replaceHour: async (hour, trades) => {
      await sql.begin(async (own) => {
        await own`INSERT INTO price_hour_done (hour) VALUES (${hour}) ON CONFLICT DO NOTHING`
        // Of two that put the same hour at once, the second waits here for the first.
        await own`SELECT FROM price_hour_done WHERE hour = ${hour} FOR UPDATE`
        await own`DELETE FROM price_hour WHERE hour = ${hour}`
        if (trades.length === 0) return
        await own`
          INSERT INTO price_hour (hour, kind, region, per, provider, tenant, amount, quantity, leases)
          SELECT ${hour}, * FROM unnest(
            ${textArray(trades.map(({ kind }) => kind))}::text[],
            ${textArray(trades.map(({ region }) => region))}::text[],
            ${textArray(trades.map(({ per }) => per))}::text[],
            ${textArray(trades.map(({ provider }) => provider))}::text[],
            ${textArray(trades.map(({ tenant }) => tenant))}::text[],
            ${plainArray(trades.map(({ amount }) => amount))}::numeric[],
            ${plainArray(trades.map(({ quantity }) => quantity))}::numeric[],
            ${plainArray(trades.map(({ leases }) => leases))}::integer[]
          )`
      })
    },
    newestHour: async () => {
      const [row] = await sql<{ hour: string }[]>`SELECT hour FROM price_hour_done ORDER BY hour DESC LIMIT 1`
      return row === undefined ? undefined : Number(row.hour)
    },
    trades: async (query) => {
      const rows = await sql<TradeRow[]>`
        SELECT ${span(query)} AS hour, kind, region, per, provider, tenant,
          sum(amount) AS amount, sum(quantity) AS quantity, sum(leases) AS leases
        FROM price_hour WHERE ${isWanted(query)} GROUP BY 1, kind, region, per, provider, tenant`
      return rows.map(({ hour, amount, quantity, leases, ...row }) => ({
        ...row,
        hour: Number(hour),
        amount: BigInt(amount),
        quantity: BigInt(quantity),
        leases: Number(leases),
      }))
    },
    noteAsks: async (asks) => {
      if (asks.length === 0) return
      const sorted = asks.toSorted((a, b) => (seriesKey(a) < seriesKey(b) ? -1 : 1))
      await sql`
        INSERT INTO price_ask (hour, kind, region, per, price)
        SELECT * FROM unnest(
          ${plainArray(sorted.map(({ hour }) => hour))}::bigint[],
          ${textArray(sorted.map(({ kind }) => kind))}::text[],
          ${textArray(sorted.map(({ region }) => region))}::text[],
          ${textArray(sorted.map(({ per }) => per))}::text[],
          ${plainArray(sorted.map(({ price }) => price))}::double precision[]
        )
        ON CONFLICT (hour, kind, region, per) DO UPDATE SET price = least(price_ask.price, EXCLUDED.price)`
    },
    asks: async (query) => {
      const rows = await sql<AskRow[]>`
        SELECT ${span(query)} AS hour, kind, region, per, min(price) AS price
        FROM price_ask WHERE ${isWanted(query)} GROUP BY 1, kind, region, per`
      return rows.map((row) => ({ ...row, hour: Number(row.hour) }))
    },
    prune: async (olderThan) => {
      await sql`DELETE FROM price_hour WHERE hour < ${olderThan}`
      await sql`DELETE FROM price_ask WHERE hour < ${olderThan}`
      await sql`DELETE FROM price_hour_done WHERE hour < ${olderThan}`
    },
  }
}
