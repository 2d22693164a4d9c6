import type { ActionId, AdminRole, DenialKind, ErrorCode, KeyId } from '@muster/protocol'
import { keyTaken } from '../store/refusals.ts'
import type { Sql } from '../store/postgres/connection.ts'
import type { Admin, AdminAction, AdminKey, Denial } from '../store/admin-store.ts'

interface KeyRow {
  readonly id: KeyId
  readonly name: string
  readonly role: AdminRole
  readonly sha256: Uint8Array
  readonly last_four: string
  readonly created_by: string
  readonly created_at: string
  readonly revoked_at: string | null
}

interface ActionRow {
  readonly id: ActionId
  readonly at: string
  readonly actor: string
  readonly actor_name: string
  readonly role: AdminRole
  readonly action: string
  readonly facts: string
  readonly reason: string
  readonly outcome: 'asked' | 'refused'
  readonly of: ActionId | null
  readonly code: ErrorCode | null
}

interface DenialRow {
  readonly kind: DenialKind
  readonly subject: string
  readonly reason: string
  readonly at: string
  readonly by: string
  readonly expires_at: string | null
  readonly stopped: boolean
}

const time = (text: string | null): number | null => (text === null ? null : Number(text))

const keyOf = (row: KeyRow): AdminKey => ({
  id: row.id,
  name: row.name,
  role: row.role,
  lastFour: row.last_four,
  createdBy: row.created_by,
  createdAt: Number(row.created_at),
  revokedAt: time(row.revoked_at),
})

const actionOf = ({ at, actor_name, facts, ...row }: ActionRow): AdminAction => ({
  ...row,
  at: Number(at),
  actorName: actor_name,
  facts: JSON.parse(facts) as AdminAction['facts'],
})

const denialOf = ({ at, expires_at, ...row }: DenialRow): Denial => ({
  ...row,
  at: Number(at),
  expiresAt: time(expires_at),
})

export const createAdmin = (sql: Sql): Admin => ({
  addKey: async ({ sha256, ...key }) => {
    const made = await sql`
      INSERT INTO admin_key (id, name, role, sha256, last_four, created_by, created_at, revoked_at)
      VALUES (${key.id}, ${key.name}, ${key.role}, ${Buffer.from(sha256)}, ${key.lastFour}, ${key.createdBy},
        ${key.createdAt}, ${key.revokedAt})
      ON CONFLICT DO NOTHING`
    if (made.count === 0) throw keyTaken(key.id)
  },
  key: async (id) => {
    const [row] = await sql<KeyRow[]>`SELECT * FROM admin_key WHERE id = ${id}`
    return row === undefined ? undefined : { key: keyOf(row), sha256: new Uint8Array(row.sha256) }
  },
  keys: async () => (await sql<KeyRow[]>`SELECT * FROM admin_key ORDER BY id DESC`).map(keyOf),
  revokeKey: async (id, at) => {
    const done = await sql`UPDATE admin_key SET revoked_at = ${at} WHERE id = ${id} AND revoked_at IS NULL`
    return done.count === 1
  },
  record: async ({ actorName, facts, ...row }) => {
    await sql`
      INSERT INTO admin_action (id, at, actor, actor_name, role, action, facts, reason, outcome, of, code)
      VALUES (${row.id}, ${row.at}, ${row.actor}, ${actorName}, ${row.role}, ${row.action}, ${JSON.stringify(facts)},
        ${row.reason}, ${row.outcome}, ${row.of}, ${row.code})`
  },
  actions: async ({ limit, before }) => {
    const rows = await sql<ActionRow[]>`
      SELECT * FROM admin_action ${before === undefined ? sql`` : sql`WHERE id < ${before}`}
      ORDER BY id DESC LIMIT ${limit}`
    return rows.map(actionOf)
  },
  deny: async ({ kind, subject, reason, at, by, expiresAt, stopped }) => {
    await sql`
      INSERT INTO denial (kind, subject, reason, at, "by", expires_at, stopped)
      VALUES (${kind}, ${subject}, ${reason}, ${at}, ${by}, ${expiresAt}, ${stopped})
      ON CONFLICT (kind, subject) DO UPDATE SET reason = EXCLUDED.reason, at = EXCLUDED.at, "by" = EXCLUDED."by",
        expires_at = EXCLUDED.expires_at, stopped = EXCLUDED.stopped`
  },
  allow: async ({ kind, subject }) => {
    const done = await sql`DELETE FROM denial WHERE kind = ${kind} AND subject = ${subject}`
    return done.count === 1
  },
  denials: async () =>
    (await sql<DenialRow[]>`SELECT * FROM denial ORDER BY at DESC, kind, subject COLLATE "C"`).map(denialOf),
})
