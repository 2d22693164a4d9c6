import { chmod, chown, mkdir, readdir, realpath } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { MusterError, silentLog, type Log, type World } from '@muster/protocol'
import { openSql, type PostgresConnection } from '../postgres/connection.ts'
import { findBinaries, requireRunnable } from './find-binaries.ts'
import { initDatabase, superuser } from './init-database.ts'
import { stayAwake } from '../stay-awake.ts'
import { keepServer } from './keep-server.ts'
import { makeReachable } from './make-reachable.ts'
import { clearOldServer } from './old-server.ts'
import { runServer, type ServerPlace } from './run-server.ts'
import { serverUser, type ServerUser } from './server-user.ts'

export interface EmbeddedPostgresOptions {
  /** Where everything of it lives; made where missing. */
  readonly directory: string
  /** A port of 127.0.0.1. Without it: a socket in the directory, or a free port where its path would be too long. */
  readonly port?: number
  readonly database?: string
}

export interface EmbeddedPostgres {
  readonly connection: PostgresConnection
  /** Why the server is down and does not start again, where that is so. */
  trouble(): MusterError | undefined
  /** Shuts it down; connections that are open are broken. */
  stop(): Promise<void>
}

// A socket's path has room for 104 bytes on macOS, 108 on Linux.
const maxSocketPath = 100
const socketPort = 5432

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const placeIn = async (directory: string, port: number | undefined): Promise<ServerPlace> => {
  const files = { data: path.join(directory, 'data'), log: path.join(directory, 'postgres.log') }
  const socket = path.join(directory, 'socket')
  const fits = Buffer.byteLength(path.join(socket, `.s.PGSQL.${socketPort}`)) <= maxSocketPath
  if (port === undefined && fits) return { ...files, socket, port: socketPort }
  return { ...files, socket: null, port: port ?? (await freePort()) }
}

/** A directory that holds something else is not made ours. */
const requireOurs = async (directory: string): Promise<void> => {
  const found = await readdir(directory).catch((): string[] => [])
  if (found.length === 0 || found.includes('password') || found.includes('data')) return
  throw new MusterError({
    code: 'unavailable',
    fault: 'machine',
    retry: 'never',
    message: 'The directory for the database holds other files; choose an empty one.',
    facts: { path: directory, found: found.slice(0, 5) },
  })
}

const own = async (directory: string, { ids }: ServerUser): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  if (ids.uid !== undefined && ids.gid !== undefined) await chown(directory, ids.uid, ids.gid)
}

const prepare = async (
  given: string,
  binaries: ReturnType<typeof findBinaries>,
  log: Log,
): Promise<[string, ServerUser]> => {
  const user = await serverUser()
  await requireOurs(given)
  try {
    await own(given, user)
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new MusterError({
      code: 'unavailable',
      fault: 'machine',
      retry: 'never',
      message: 'The directory for the database cannot be made or is not ours; choose another.',
      facts: { path: given, found },
      cause,
    })
  }
  const directory = await realpath(given)
  const opened = [...(await makeReachable(binaries.root, user)), ...(await makeReachable(directory, user))]
  if (opened.length > 0)
    log.warn('let the user of Postgres pass through directories of root', { user: user.name, opened })
  await requireRunnable(binaries, user)
  await own(path.join(directory, 'socket'), user)
  return [directory, user]
}

const makeDatabase = async (connection: PostgresConnection): Promise<void> => {
  const sql = openSql({ ...connection, database: 'postgres' }, { connections: 1 })
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${connection.database}`
    if (found.length === 0) await sql`CREATE DATABASE ${sql(connection.database)}`
  } finally {
    await sql.end()
  }
}

const startOn = async (
  { directory: given, port, database = 'muster' }: EmbeddedPostgresOptions,
  world: World,
  log: Log,
): Promise<EmbeddedPostgres> => {
  const binaries = findBinaries()
  const [directory, user] = await prepare(path.resolve(given), binaries, log)
  await clearOldServer(directory, world)
  const { password } = await initDatabase(directory, binaries, user)
  const place = await placeIn(directory, port)
  const start = async () => {
    await clearOldServer(directory, world)
    return await runServer(place, binaries, user, world)
  }
  const server = await keepServer(start, { world, log })
  const host = place.socket ?? '127.0.0.1'
  const connection: PostgresConnection = { host, port: place.port, user: superuser, password, database }
  try {
    await makeDatabase(connection)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { connection, ...server }
}

/**
 * Starts the Postgres that npm installed, on a directory of its own, durable: what a commit returned from survives
 * `kill -9` and loss of power. Started by root it runs as the user `muster-postgres`. It shuts down when this program
 * ends, however that ends; while the program runs it is started again should it die. Throws `unavailable` or `disk_full`.
 */
export const startEmbeddedPostgres = async (
  options: EmbeddedPostgresOptions,
  { world, log = silentLog }: { readonly world: World; readonly log?: Log },
): Promise<EmbeddedPostgres> => {
  const rest = stayAwake()
  try {
    return await startOn(options, world, log)
  } finally {
    rest()
  }
}
