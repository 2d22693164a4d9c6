import type { Address, BenchmarkEntry } from '@muster/protocol'
import { textArray } from '../store/postgres/array.ts'
import type { Sql } from '../store/postgres/connection.ts'
import type { Benchmarks } from '../store/store.ts'

interface Row {
  /** As this program wrote it. */
  readonly entry: BenchmarkEntry
}

export const createBenchmarks = (sql: Sql): Benchmarks => ({
  add: async (entry) => {
    const done = await sql`
      INSERT INTO provider_benchmark (id, provider, at, entry)
      VALUES (${entry.id}, ${entry.provider}, ${entry.at}, ${JSON.stringify(entry)}::text::jsonb)
      ON CONFLICT (id) DO NOTHING`
    return done.count === 1
  },
  newestOf: async (providers, limit) => {
    const rows = await sql<Row[]>`
      SELECT newest.entry FROM unnest(${textArray(providers)}::text[]) AS wanted (provider)
      CROSS JOIN LATERAL (
        SELECT entry, at, id FROM provider_benchmark WHERE provider = wanted.provider
        ORDER BY at DESC, id DESC LIMIT ${limit}
      ) AS newest ORDER BY newest.at DESC, newest.id DESC`
    return Map.groupBy(
      rows.map(({ entry }) => entry),
      ({ provider }): Address => provider,
    )
  },
  prune: async (olderThan) => {
    const done = await sql`DELETE FROM provider_benchmark WHERE at < ${olderThan}`
    return done.count
  },
})
