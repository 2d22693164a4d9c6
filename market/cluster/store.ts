import type { Address, JobId } from '@muster/protocol'
import { textArray } from '../store/postgres/array.ts'
import type { Sql } from '../store/postgres/connection.ts'
import type { MarketFact, NodeId, Nodes } from '../store/node-store.ts'

interface Row {
  readonly id: NodeId
  readonly name: string
  readonly url: string | null
  readonly market: Address
  readonly blobs: string
  readonly version: string
  readonly started_at: string
  readonly beat: string
  readonly links: number
  readonly jobs: number
}

export const createNodes = (sql: Sql): Nodes => ({
  enter: async ({ id, name, url, market, blobs, version, startedAt, links, jobs }) => {
    await sql`
      INSERT INTO node (id, name, url, market, blobs, version, started_at, beat, links, jobs)
      VALUES (${id}, ${name}, ${url}, ${market}, ${blobs}, ${version}, ${startedAt}, 0, ${links}, ${jobs})
      ON CONFLICT (name) DO UPDATE SET id = EXCLUDED.id, url = EXCLUDED.url, market = EXCLUDED.market,
        blobs = EXCLUDED.blobs, version = EXCLUDED.version, started_at = EXCLUDED.started_at, beat = 0,
        links = EXCLUDED.links, jobs = EXCLUDED.jobs`
  },
  beat: async (id, { links, jobs }) =>
    (await sql`UPDATE node SET beat = beat + 1, links = ${links}, jobs = ${jobs} WHERE id = ${id}`).count === 1,
  list: async () => {
    const rows = await sql<Row[]>`SELECT * FROM node ORDER BY name`
    return rows.map(({ started_at, beat, ...row }) => ({ ...row, startedAt: Number(started_at), beat: Number(beat) }))
  },
  remove: async (id, beat) => {
    const gone = await sql`DELETE FROM node WHERE id = ${id} ${beat === undefined ? sql`` : sql`AND beat = ${beat}`}`
    return gone.count === 1
  },
  claim: async (id, limit) => {
    const rows = await sql<{ id: JobId }[]>`
      WITH ownerless AS (
        SELECT id FROM job
        WHERE phase = 'active' AND NOT EXISTS (SELECT 1 FROM node WHERE node.id = job.owner)
        ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE job SET owner = ${id} FROM ownerless
      WHERE job.id = ownerless.id AND EXISTS (SELECT 1 FROM node WHERE node.id = ${id})
      RETURNING job.id`
    return rows.map((row) => row.id)
  },
  ownersOf: async (jobs) => {
    const rows = await sql<{ id: JobId; owner: NodeId }[]>`
      SELECT id, owner FROM job WHERE phase = 'active' AND id = ANY(${textArray(jobs)}::text[])`
    return new Map(rows.map(({ id, owner }) => [id, owner]))
  },
  facts: async () => {
    const rows = await sql<{ name: MarketFact; fact: string }[]>`SELECT name, fact FROM market_fact`
    return new Map(rows.map(({ name, fact }) => [name, fact]))
  },
  setFact: async (name, fact) => {
    if (fact === undefined) await sql`DELETE FROM market_fact WHERE name = ${name}`
    else
      await sql`
        INSERT INTO market_fact (name, fact) VALUES (${name}, ${fact})
        ON CONFLICT (name) DO UPDATE SET fact = EXCLUDED.fact`
  },
})
