import type { Address } from '@muster/protocol'
import type { Sql } from '../store/postgres/connection.ts'
import type { ProviderRow, Providers } from '../store/store.ts'

interface Row {
  readonly address: Address
  readonly epoch: string
  readonly first_seen_at: string
  readonly last_seen_at: string
}

const providerRow = (row: Row): ProviderRow => ({
  address: row.address,
  epoch: Number(row.epoch),
  firstSeenAt: Number(row.first_seen_at),
  lastSeenAt: Number(row.last_seen_at),
})

export const createProviders = (sql: Sql): Providers => ({
  get: async (address) => {
    const [row] = await sql<Row[]>`SELECT * FROM provider WHERE address = ${address}`
    return row === undefined ? undefined : providerRow(row)
  },
  list: async ({ limit, after }) => {
    const rows = await sql<Row[]>`
      SELECT * FROM provider ${after === undefined ? sql`` : sql`WHERE address > ${after}`}
      ORDER BY address LIMIT ${limit}`
    return rows.map(providerRow)
  },
  markSeen: async (address, at) => {
    await sql`
      INSERT INTO provider (address, epoch, first_seen_at, last_seen_at) VALUES (${address}, 0, ${at}, ${at})
      ON CONFLICT (address) DO UPDATE SET last_seen_at = greatest(provider.last_seen_at, EXCLUDED.last_seen_at)`
  },
  advanceEpoch: async (address, epoch, at) => {
    if (epoch <= 0) return false
    const done = await sql`
      INSERT INTO provider (address, epoch, first_seen_at, last_seen_at) VALUES (${address}, ${epoch}, ${at}, ${at})
      ON CONFLICT (address) DO UPDATE SET epoch = EXCLUDED.epoch,
        last_seen_at = greatest(provider.last_seen_at, EXCLUDED.last_seen_at)
      WHERE provider.epoch < EXCLUDED.epoch`
    return done.count === 1
  },
})
