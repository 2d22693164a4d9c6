import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { MusterError, type Verifier, type World } from '@muster/protocol'
import type { Sql } from '../postgres/connection.ts'
import { listMigrations, migrate } from '../postgres/migrate.ts'
import type { BackupHeader, BackupPart, TableHead } from './backup-format.ts'
import { copyTarget, isOfPart, listTables } from './list-tables.ts'
import { readBackup } from './read-backup.ts'

const refuse = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'conflict', message, facts, fault: 'tenant', retry: 'never' })

export interface BackupFiles {
  readonly file: string
  /** The keys of names, from a backup of their own; without it names are lost. */
  readonly keysFile?: string | undefined
}

/** Throws `conflict` unless nothing was ever written here, or only by a schema that the backup's can grow out of. */
const requireEmpty = async (sql: Sql, migration: number): Promise<void> => {
  const [found] = await sql<[{ schema: string | null }]>`SELECT to_regclass('public.migration')::text AS schema`
  const tables = await listTables(sql)
  for (const { name } of tables) {
    const [row] = await sql<[{ used: boolean }]>`SELECT EXISTS (SELECT 1 FROM ${sql(name)}) AS used`
    if (row.used) {
      throw refuse('There is data in this database; restore into a new data directory or an empty database.', {
        table: name,
      })
    }
  }
  if (found.schema === null) {
    if (tables.length === 0) return
    throw refuse('There are tables of something else in this database; restore into an empty one.', {
      table: tables[0]?.name,
    })
  }
  const [done] = await sql<[{ newest: number }]>`SELECT coalesce(max(number), 0) AS newest FROM migration`
  if (done.newest > migration) {
    throw refuse('This database is empty, but of a newer version than the backup; restore into a new data directory.', {
      expected: `at most ${migration}`,
      found: done.newest,
    })
  }
}

const ended = (copy: Writable): Promise<void> =>
  new Promise((resolve, reject) => {
    copy.once('error', reject)
    copy.end(resolve)
  })

/** Counters of rows that number themselves go on after the highest. */
const setSequences = async (sql: Sql, { name, columns }: TableHead): Promise<void> => {
  for (const column of columns) {
    const [row] = await sql<[{ sequence: string | null }]>`
      SELECT pg_get_serial_sequence(${`"${name}"`}, ${column}) AS sequence`
    if (row.sequence === null) continue
    await sql`
      SELECT setval(${row.sequence}, coalesce((SELECT max(${sql(column)}) FROM ${sql(name)}), 0) + 1, false)`
  }
}

/**
 * Writes a backup into an empty database, all of it or nothing, and brings it up to this version. The file is read again
 * while it is written, and held against its signature before anything is committed. Rejects as `readBackup`, and `conflict`
 * for a database that is not empty.
 */
export const loadBackup = async (
  { file, keysFile }: BackupFiles,
  header: BackupHeader,
  sql: Sql,
  { world, verifier }: { readonly world: World; readonly verifier: Verifier },
): Promise<void> => {
  const known = await listMigrations()
  const newest = known.at(-1)?.number ?? 0
  if (header.migration > newest) {
    throw new MusterError({
      code: 'unavailable',
      message: 'This backup was made by a newer version of Muster; restore it with that version.',
      facts: { expected: `at most ${newest}`, found: header.migration },
      fault: 'machine',
      retry: 'never',
    })
  }
  await requireEmpty(sql, header.migration)
  await migrate(
    sql,
    world.now(),
    known.filter(({ number }) => number <= header.migration),
  )
  await sql.begin(async (tx) => {
    const writer = tx as unknown as Sql
    await requireEmpty(writer, header.migration)
    const tables = new Map((await listTables(writer)).map((table) => [table.name, table]))
    const load = async (from: string, part: BackupPart): Promise<void> => {
      let copy: Writable | undefined
      await readBackup(
        from,
        {
          onTable: async (table) => {
            if (!tables.has(table.name) || !isOfPart(table, part)) {
              throw refuse('This backup has a table that does not belong there.', { table: table.name, part })
            }
            copy = await tx.unsafe(`COPY ${copyTarget(table)} FROM STDIN`).writable()
          },
          onRows: async (rows) => {
            if (copy === undefined || copy.write(rows)) return
            await once(copy, 'drain')
          },
          onTableEnd: async () => {
            if (copy !== undefined) await ended(copy)
            copy = undefined
          },
        },
        verifier,
      )
    }
    await load(file, 'data')
    if (keysFile !== undefined) await load(keysFile, 'keys')
    for (const table of tables.values()) await setSequences(writer, table)
  })
  await migrate(sql, world.now(), known)
}
