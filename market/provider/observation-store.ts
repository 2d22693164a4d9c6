import type { Address, Observation } from '@muster/protocol'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Sql } from '../store/postgres/connection.ts'
import type { Observations } from '../store/store.ts'

interface Row {
  /** As this program wrote it. */
  readonly seen: Observation
}

export const createObservations = (sql: Sql): Observations => ({
  add: async (seen) => {
    if (seen.length === 0) return new Set()
    const rows = await sql<{ id: string }[]>`
      INSERT INTO provider_observation (id, provider, at, seen)
      SELECT id, provider, at, seen::jsonb FROM unnest(
        ${textArray(seen.map(({ id }) => id))}::text[],
        ${textArray(seen.map(({ provider }) => provider))}::text[],
        ${plainArray(seen.map(({ at }) => at))}::bigint[],
        ${textArray(seen.map((each) => JSON.stringify(each)))}::text[]
      ) AS row (id, provider, at, seen)
      ON CONFLICT (id) DO NOTHING RETURNING id`
    return new Set(rows.map(({ id }) => id))
  },
  newestOf: async (providers, limit) => {
    const rows = await sql<Row[]>`
      SELECT newest.seen FROM unnest(${textArray(providers)}::text[]) AS wanted (provider)
      CROSS JOIN LATERAL (
        SELECT seen, at, id FROM provider_observation WHERE provider = wanted.provider
        ORDER BY at DESC, id DESC LIMIT ${limit}
      ) AS newest ORDER BY newest.at DESC, newest.id DESC`
    return Map.groupBy(
      rows.map(({ seen }) => seen),
      ({ provider }): Address => provider,
    )
  },
  newest: async (limit) => {
    const rows = await sql<Row[]>`SELECT seen FROM provider_observation ORDER BY at DESC, id DESC LIMIT ${limit}`
    return rows.map(({ seen }) => seen)
  },
  prune: async (olderThan) => (await sql`DELETE FROM provider_observation WHERE at < ${olderThan}`).count,
})
