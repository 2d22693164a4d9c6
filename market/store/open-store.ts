import path from 'node:path'
import { silentLog, type Log, type World } from '@muster/protocol'
import { startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
import type { PostgresConnection } from './postgres/connection.ts'
import { createPostgresStore, type PostgresStore } from './postgres/create-postgres-store.ts'

export interface StoreOptions {
  /** Where a market keeps what it has; the embedded Postgres lives in `postgres` below it. */
  readonly directory: string
  /** A Postgres of one's own, instead of the embedded one. */
  readonly databaseUrl?: string | undefined
}

export interface OpenedStore extends PostgresStore {
  /** How to reach its database. */
  readonly connection: PostgresConnection | string
}

/** The store of a market: any Postgres by its URL, or else the embedded one, stopped when the store closes. */
export const openStore = async (
  { directory, databaseUrl }: StoreOptions,
  { world, log = silentLog }: { readonly world: World; readonly log?: Log },
): Promise<OpenedStore> => {
  if (databaseUrl !== undefined) {
    const store = await createPostgresStore({ connection: databaseUrl }, { world, log })
    return { ...store, connection: databaseUrl }
  }
  const embedded = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres') }, { world, log })
  try {
    const { connection, trouble } = embedded
    const store = await createPostgresStore({ connection }, { world, log, trouble })
    const close = async () => {
      await store.close()
      await embedded.stop()
    }
    let closing: Promise<void> | undefined
    return { ...store, connection, close: () => (closing ??= close()) }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}
