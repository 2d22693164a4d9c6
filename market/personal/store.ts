import type { TenantId } from '@muster/protocol'
import { textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { PersonalData, PersonalText } from '../store/personal-store.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const insertTexts = (sql: Sql, rows: readonly PersonalText[]): Fragment => sql`
  INSERT INTO personal_text (subject, tenant, sealed)
  SELECT subject, tenant, decode(sealed, 'hex') FROM unnest(
    ${textArray(rows.map(({ subject }) => subject))}::text[],
    ${textArray(rows.map(({ tenant }) => tenant))}::text[],
    ${textArray(rows.map(({ sealed }) => hex(sealed)))}::text[]
  ) AS row (subject, tenant, sealed)
  ON CONFLICT (subject) DO NOTHING`

export const createPersonalData = (sql: Sql): PersonalData => ({
  key: async (tenant) => {
    const [row] = await sql<{ sealed: Uint8Array | null }[]>`SELECT sealed FROM personal_key WHERE tenant = ${tenant}`
    return row?.sealed
  },
  addKey: async (tenant, sealed) => {
    await sql`INSERT INTO personal_key (tenant, sealed) VALUES (${tenant}, ${Buffer.from(sealed)}) ON CONFLICT DO NOTHING`
  },
  erase: async (tenant: TenantId, at: number) => {
    const erased = await sql.begin(async (tx) => {
      const done = await tx`
        INSERT INTO personal_key (tenant, erased_at) VALUES (${tenant}, ${at})
        ON CONFLICT (tenant) DO UPDATE SET sealed = NULL, erased_at = EXCLUDED.erased_at
          WHERE personal_key.sealed IS NOT NULL`
      await tx`DELETE FROM personal_text WHERE tenant = ${tenant}`
      return done.count === 1
    })
    // An update leaves the old row in its page until that is used again; one that erases again may do so since this was cut short.
    await sql`VACUUM (FULL) personal_key`
    return erased
  },
  add: async (text) => {
    await insertTexts(sql, [text])
  },
  texts: async (subjects) => {
    const rows = await sql<{ subject: string; sealed: Uint8Array }[]>`
      SELECT subject, sealed FROM personal_text WHERE subject = ANY(${textArray(subjects)}::text[])`
    return new Map(rows.map(({ subject, sealed }) => [subject, sealed]))
  },
  dropOfClosed: async (closedBefore) =>
    (
      await sql`
        DELETE FROM personal_text USING job
        WHERE personal_text.subject = job.id AND job.closed_at < ${closedBefore}`
    ).count,
})
