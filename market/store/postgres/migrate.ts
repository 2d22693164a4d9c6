import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { MusterError } from '@muster/protocol'
import type { Sql } from './connection.ts'

interface Migration {
  readonly number: number
  readonly name: string
  readonly file: string
}

const directory = path.join(import.meta.dirname, '..', 'migration')
const namePattern = /^(\d{4})-([a-z0-9-]+)\.sql$/
/** Held while migrating, so that nodes that start together take turns. */
const lock = 0x6d7573746572
const oldestVersion = 170_000

/** The migrations that ship with this version, in order. */
export const listMigrations = async (from: string = directory): Promise<readonly Migration[]> =>
  (await readdir(from))
    .toSorted()
    .map((file) => [file, namePattern.exec(file)] as const)
    .flatMap(([file, match]) =>
      match === null ? [] : [{ number: Number(match[1]), name: match[2] ?? '', file: path.join(from, file) }],
    )

const refuse = (message: string, facts: Record<string, unknown>): MusterError =>
  new MusterError({ code: 'unavailable', fault: 'machine', retry: 'never', message, facts })

/**
 * Brings the schema up to this version, in one transaction: the number of migrations run. `now` is wall-clock ms.
 * Throws `unavailable` for a database that is newer than this program or older than PostgreSQL 17.
 */
export const migrate = async (sql: Sql, now: number, migrations?: readonly Migration[]): Promise<number> => {
  const known = migrations ?? (await listMigrations())
  const latest = known.at(-1)?.number ?? 0
  const [server] = await sql<[{ version: number }]>`SELECT current_setting('server_version_num')::int AS version`
  if (server.version < oldestVersion) {
    throw refuse('This database is too old: Muster needs PostgreSQL 17 or newer.', {
      expected: oldestVersion,
      found: server.version,
    })
  }
  return await sql.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(${lock})`
    await tx`CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL, at bigint NOT NULL)`
    const [done] = await tx<[{ newest: number }]>`SELECT coalesce(max(number), 0) AS newest FROM migration`
    if (done.newest > latest) {
      throw refuse('This database was made by a newer version of Muster; start that version.', {
        expected: latest,
        found: done.newest,
      })
    }
    const pending = known.filter(({ number }) => number > done.newest)
    for (const { number, name, file } of pending) {
      await tx.unsafe(await readFile(file, 'utf8'))
      await tx`INSERT INTO migration (number, name, at) VALUES (${number}, ${name}, ${now})`
    }
    return pending.length
  })
}
