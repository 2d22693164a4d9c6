import type { AccountNotice, Address, KeyId, TenantId } from '@muster/protocol'
import postgres from 'postgres'
import { textArray } from '../store/postgres/array.ts'
import type { Sql } from '../store/postgres/connection.ts'
import { keyTaken, tenantMissing, tenantTaken } from '../store/refusals.ts'
import type { Accounts, ApiKey, Tenant } from '../store/store.ts'

interface TenantRow {
  readonly id: TenantId
  readonly address: Address | null
  readonly created_at: string
}

interface KeyRow {
  readonly id: KeyId
  readonly tenant: TenantId
  readonly last_four: string
  readonly created_at: string
  readonly revoked_at: string | null
  readonly last_used_at: string | null
}

interface NoticeRow {
  readonly tenant: TenantId
  readonly number: number
  readonly at: string
  readonly standing: AccountNotice['standing']
  readonly since: string
  readonly balance: string
  readonly escrow: string
  readonly burn: string
  readonly below_ms: string | null
}

const noticeOf = (row: NoticeRow): AccountNotice => ({
  number: row.number,
  at: Number(row.at),
  standing: row.standing,
  since: Number(row.since),
  balance: BigInt(row.balance),
  escrow: BigInt(row.escrow),
  burn: BigInt(row.burn),
  belowMs: time(row.below_ms),
})

const time = (text: string | null): number | null => (text === null ? null : Number(text))

const tenantOf = ({ id, address, created_at }: TenantRow): Tenant => ({
  id,
  address,
  createdAt: Number(created_at),
})

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  tenant: row.tenant,
  lastFour: row.last_four,
  createdAt: Number(row.created_at),
  revokedAt: time(row.revoked_at),
  lastUsedAt: time(row.last_used_at),
})

export const createAccounts = (sql: Sql): Accounts => {
  const keyColumns = sql`k.id, k.tenant, k.last_four, k.created_at, k.revoked_at, k.last_used_at`
  return {
    create: async ({ id, address, createdAt }) => {
      const made = await sql`
        INSERT INTO tenant (id, address, created_at) VALUES (${id}, ${address}, ${createdAt}) ON CONFLICT DO NOTHING`
      if (made.count === 0) throw tenantTaken(id)
    },
    get: async (id) => {
      const [row] = await sql<TenantRow[]>`SELECT id, address, created_at FROM tenant WHERE id = ${id}`
      return row === undefined ? undefined : tenantOf(row)
    },
    list: async ({ limit, after }) => {
      const rows = await sql<TenantRow[]>`
        SELECT id, address, created_at FROM tenant ${after === undefined ? sql`` : sql`WHERE id > ${after}`}
        ORDER BY id LIMIT ${limit}`
      return rows.map(tenantOf)
    },
    addKey: async (key) => {
      try {
        const made = await sql`
          INSERT INTO api_key (id, tenant, sha256, last_four, created_at, revoked_at, last_used_at)
          VALUES (${key.id}, ${key.tenant}, ${Buffer.from(key.sha256)}, ${key.lastFour}, ${key.createdAt},
            ${key.revokedAt}, ${key.lastUsedAt})
          ON CONFLICT DO NOTHING`
        if (made.count === 0) throw keyTaken(key.id)
      } catch (error) {
        if (error instanceof postgres.PostgresError && error.code === '23503') throw tenantMissing(key.tenant)
        throw error
      }
    },
    keyByHash: async (sha256) => {
      const [row] = await sql<(KeyRow & { tenant_address: Address | null; tenant_created_at: string })[]>`
        SELECT ${keyColumns}, t.address AS tenant_address,
          t.created_at AS tenant_created_at
        FROM api_key k JOIN tenant t ON t.id = k.tenant WHERE k.sha256 = ${Buffer.from(sha256)}`
      if (row === undefined) return undefined
      return {
        key: keyOf(row),
        tenant: tenantOf({
          id: row.tenant,
          address: row.tenant_address,
          created_at: row.tenant_created_at,
        }),
      }
    },
    keys: async (tenant) => {
      const rows = await sql<KeyRow[]>`
        SELECT ${keyColumns} FROM api_key k WHERE k.tenant = ${tenant} ORDER BY k.id DESC`
      return rows.map(keyOf)
    },
    revokeKey: async ({ tenant, id, at }) => {
      const done = await sql`
        UPDATE api_key SET revoked_at = ${at} WHERE id = ${id} AND tenant = ${tenant} AND revoked_at IS NULL`
      return done.count === 1
    },
    markKeyUsed: async (id, at) => {
      await sql`
        UPDATE api_key SET last_used_at = greatest(last_used_at, ${at}::bigint)
        FROM (SELECT set_config('synchronous_commit', 'off', true)) AS setting
        WHERE id = ${id}`
    },
    addNotice: async (tenant, { number, at, standing, since, balance, escrow, burn, belowMs }) => {
      try {
        const made = await sql`
          INSERT INTO account_notice (tenant, number, at, standing, since, balance, escrow, burn, below_ms)
          VALUES (${tenant}, ${number}, ${at}, ${standing}, ${since}, ${balance.toString()}::text::numeric,
            ${escrow.toString()}::text::numeric, ${burn.toString()}::text::numeric, ${belowMs})
          ON CONFLICT DO NOTHING`
        return made.count === 1
      } catch (error) {
        if (error instanceof postgres.PostgresError && error.code === '23503') throw tenantMissing(tenant)
        throw error
      }
    },
    notices: async (tenant, { limit, after = 0 }) => {
      const rows = await sql<NoticeRow[]>`
        SELECT * FROM account_notice WHERE tenant = ${tenant} AND number > ${after} ORDER BY number LIMIT ${limit}`
      return rows.map(noticeOf)
    },
    lastNotices: async (tenants) => {
      const rows = await sql<NoticeRow[]>`
        SELECT DISTINCT ON (tenant) * FROM account_notice WHERE tenant = ANY(${textArray(tenants)}::text[])
        ORDER BY tenant, number DESC`
      return new Map(rows.map((row) => [row.tenant, noticeOf(row)]))
    },
    notStanding: async (standing) => {
      const rows = await sql<{ tenant: TenantId }[]>`
        SELECT t.id AS tenant FROM tenant t CROSS JOIN LATERAL (
          SELECT standing FROM account_notice WHERE tenant = t.id ORDER BY number DESC LIMIT 1
        ) AS newest WHERE newest.standing <> ${standing} ORDER BY t.id`
      return rows.map(({ tenant }) => tenant)
    },
  }
}
