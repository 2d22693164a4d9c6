import { silentLog, toHex, type Log, type MusterError, type World } from '@muster/protocol'
import { createAccounts } from '../../account/store.ts'
import { createAdmin } from '../../admin/store.ts'
import { createPersonalData } from '../../personal/store.ts'
import { createAuctions } from '../../auction/store.ts'
import { createBlobs } from '../../blob/store.ts'
import { createNodes } from '../../cluster/store.ts'
import { createJobReads, pruneOrders } from '../../job/store.ts'
import { createJournal } from '../../journal/store.ts'
import { createLedgerReads } from '../../ledger/store.ts'
import { createPrices } from '../../price-index/store.ts'
import { createStandingOrders } from '../../standing-order/store.ts'
import { createBenchmarks } from '../../benchmark/store.ts'
import { createObservations } from '../../provider/observation-store.ts'
import { createProviders } from '../../provider/store.ts'
import { createReceiptReads } from '../../receipt/store.ts'
import { encodeCommit } from '../encode-commit.ts'
import type { Store } from '../store.ts'
import { openSql, type PostgresConnection } from './connection.ts'
import { withDeadline } from './deadline.ts'
import { createGroupCommit } from './group-commit.ts'
import { migrate } from './migrate.ts'
import { databaseUnavailable, mapErrors, mapReads, toStoreError } from './store-error.ts'
import { createWriter } from './writer.ts'

export interface PostgresStoreOptions {
  /** `postgres://user:password@host/database`, or its parts. PostgreSQL 17 or newer. */
  readonly connection: PostgresConnection | string
  /** Connections for reading; one more writes. */
  readonly readers?: number
}

export interface PostgresStoreModules {
  readonly world: World
  readonly log?: Log
  /** What the server, where this program runs it, says is wrong with it. */
  readonly trouble?: () => MusterError | undefined
}

export interface PostgresStore extends Store {
  /** On disk. */
  databaseBytes(): Promise<number>
}

const pingMs = 5_000

// The writer's statement touches rows by their keys and nothing else, and is planned once.
const writerSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
}

/** The store on Postgres: migrates the database, then opens. Throws `unavailable` where it cannot be had. */
export const createPostgresStore = async (
  { connection, readers = 6 }: PostgresStoreOptions,
  { world, log = silentLog, trouble = () => undefined }: PostgresStoreModules,
): Promise<PostgresStore> => {
  const sql = openSql(connection, { connections: readers })
  const end = async () => {
    await sql.end({ timeout: 5 })
  }
  try {
    const run = await migrate(sql, world.now())
    if (run > 0) log.info('migrated the database', { migrations: run })
  } catch (error) {
    await end()
    throw toStoreError(error)
  }
  const writer = createWriter(() => openSql(connection, { connections: 1, settings: writerSettings }), {
    world,
    log,
    id: toHex(world.random(16)),
    trouble,
  })
  const group = createGroupCommit(writer)
  const journal = mapReads(createJournal(sql))
  const own = mapErrors({
    pruneOrders: (now: number) => pruneOrders(sql, now),
    databaseBytes: async () => {
      const [row] = await sql<[{ bytes: string }]>`SELECT pg_database_size(current_database()) AS bytes`
      return Number(row.bytes)
    },
    ping: async () => {
      await withDeadline(world, pingMs, sql`SELECT 1`).catch((error: unknown) => {
        throw databaseUnavailable(error, 'nothing written')
      })
    },
  })
  let closing: Promise<void> | undefined
  const close = async () => {
    await group.close()
    await writer.close()
    await end()
  }
  return {
    commit: async (commit) => await group.commit(encodeCommit(commit)),
    ...journal,
    ...own,
    jobs: mapReads(createJobReads(sql)),
    receipts: mapReads(createReceiptReads(sql)),
    auctions: mapReads(createAuctions(sql)),
    ledger: mapReads(createLedgerReads(sql)),
    accounts: mapErrors(createAccounts(sql)),
    providers: mapErrors(createProviders(sql)),
    observations: mapErrors(createObservations(sql)),
    benchmarks: mapErrors(createBenchmarks(sql)),
    blobs: mapErrors(createBlobs(sql)),
    admin: mapErrors(createAdmin(sql)),
    prices: mapErrors(createPrices(sql)),
    standingOrders: mapErrors(createStandingOrders(sql)),
    nodes: mapErrors(createNodes(sql)),
    personal: mapErrors(createPersonalData(sql)),
    close: () => (closing ??= close()),
  }
}
