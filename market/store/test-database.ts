import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemWorld } from '@muster/protocol'
import { startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
import { openSql, type PostgresConnection } from './postgres/connection.ts'

/** A fresh, empty database for tests. */
export interface TestDatabase {
  readonly connection: PostgresConnection
  /** Another one on the same server; it goes with the server. */
  another(): Promise<PostgresConnection>
  /** Drops what was made, stops the server if it was started for this, and removes its directory. */
  close(): Promise<void>
}

const serverOf = (url: string): PostgresConnection => {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: decodeURIComponent(hostname),
    port: Number(port === '' ? 5432 : port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1) === '' ? 'postgres' : pathname.slice(1),
  }
}

const makeOn = async (server: PostgresConnection): Promise<PostgresConnection> => {
  const database = `muster_test_${randomBytes(6).toString('hex')}`
  const sql = openSql(server, { connections: 1 })
  await sql`CREATE DATABASE ${sql(database)}`
  await sql.end()
  return { ...server, database }
}

const dropOn = async (server: PostgresConnection, made: readonly PostgresConnection[]): Promise<void> => {
  const sql = openSql(server, { connections: 1 })
  for (const { database } of made) await sql`DROP DATABASE IF EXISTS ${sql(database)} WITH (FORCE)`
  await sql.end()
}

/**
 * A fresh database on the server of `MUSTER_TEST_DATABASE_URL`, or on an embedded one started for this file.
 * Close it in `afterAll`.
 */
export const openTestDatabase = async (): Promise<TestDatabase> => {
  const url = process.env['MUSTER_TEST_DATABASE_URL']
  if (url !== undefined) {
    const server = serverOf(url)
    const made = [await makeOn(server)]
    const [connection] = made as [PostgresConnection]
    const another = async () => {
      const next = await makeOn(server)
      made.push(next)
      return next
    }
    return { connection, another, close: () => dropOn(server, made) }
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-db-'))
  try {
    const embedded = await startEmbeddedPostgres({ directory }, { world: systemWorld })
    const close = async () => {
      await embedded.stop()
      await rm(directory, { recursive: true, force: true })
    }
    return { connection: embedded.connection, another: () => makeOn(embedded.connection), close }
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}
