import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  createSigner,
  createVerifier,
  MusterError,
  silentLog,
  toHex,
  type AuditReport,
  type Cid,
  type JobId,
  type Log,
  type Secp256k1,
  type World,
} from '@muster/protocol'
import { loadJob } from '../../job/load-job.ts'
import { startEmbeddedPostgres } from '../embedded/start-embedded-postgres.ts'
import { openSql, type PostgresConnection } from '../postgres/connection.ts'
import { createPostgresStore } from '../postgres/create-postgres-store.ts'
import { auditLedger } from '../../ledger/audit/audit-ledger.ts'
import type { Store } from '../store.ts'
import type { BackupHeader, BackupPart, BackupRecord } from './backup-format.ts'
import { loadBackup, type BackupFiles } from './load-backup.ts'
import { readBackup } from './read-backup.ts'
import { openKey } from './seal-key.ts'

export interface RestoreOptions extends BackupFiles {
  /** Of the market that is restored. */
  readonly directory: string
  /** A Postgres in place of the embedded one. */
  readonly databaseUrl?: string | undefined
  /** Opens the market's key, where the backup holds it. */
  readonly passphrase?: string | undefined
}

export interface Restored {
  readonly header: BackupHeader
  readonly record: BackupRecord
  /** Whether names can be read again. */
  readonly names: 'restored' | 'lost'
  /** Of what was restored. */
  readonly audit: AuditReport
  /** Jobs that are not closed, each read back from its journal. */
  readonly activeJobs: number
  /** Blobs that are named and do not lie in the data directory. */
  readonly missingBlobs: number
  /** Where the market's key comes from: the backup, the directory, or nowhere yet. */
  readonly key: 'restored' | 'there' | 'missing'
}

export interface RestoreModules {
  readonly world: World
  readonly secp256k1: Secp256k1
  readonly log?: Log
}

const refuse = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'conflict', message, facts, fault: 'tenant', retry: 'never' })

const readText = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })

/** The market's key is that of the backup, or there is none yet. */
const placeKey = async (
  { directory, passphrase }: RestoreOptions,
  { market, key }: BackupHeader,
  secp256k1: Secp256k1,
): Promise<{ readonly found: Restored['key']; readonly place: () => Promise<void> }> => {
  const file = path.join(directory, 'market.key')
  const there = (await readText(file))?.trim()
  if (there !== undefined) {
    const isKey = /^[0-9a-f]{64}$/.test(there)
    const address = isKey ? createSigner(secp256k1, Buffer.from(there, 'hex')).address : 'no key'
    if (address !== market)
      throw refuse('The key in this data directory is of another market.', { file, expected: market, found: address })
    return { found: 'there', place: async () => {} }
  }
  if (key === null || passphrase === undefined) return { found: 'missing', place: async () => {} }
  const secret = await openKey(key, passphrase, market)
  if (createSigner(secp256k1, secret).address !== market)
    throw refuse('The key in this backup is not that of its market.', { expected: market })
  const text = `${toHex(secret).slice(2)}\n`
  return { found: 'restored', place: () => writeFile(file, text, { mode: 0o600, flag: 'wx' }) }
}

const requirePart = (file: string, header: BackupHeader, part: BackupPart): void => {
  if (header.part !== part)
    throw refuse(`This is a backup of ${header.part}, where one of ${part} belongs.`, {
      file,
      expected: part,
      found: header.part,
    })
}

/** Every job that is not closed, as a node takes it up when it starts. */
const readJobs = async (store: Store, jobs: readonly JobId[]): Promise<void> => {
  for (const job of jobs) {
    if ((await loadJob(store, job)) !== undefined) continue
    throw new MusterError({ code: 'internal', message: 'A job of this backup has no journal.', facts: { job } })
  }
}

const pageRows = 1_000

const countMissing = async (connection: PostgresConnection | string, directory: string): Promise<number> => {
  const sql = openSql(connection, { connections: 1 })
  let missing = 0
  try {
    for (let after = ''; ;) {
      const rows = await sql<{ cid: Cid; bytes: string }[]>`
        SELECT cid, bytes FROM blob WHERE cid > ${after} ORDER BY cid LIMIT ${pageRows}`
      for (const { cid, bytes } of rows) {
        const found = await stat(path.join(directory, 'blobs', cid.slice(-3, -1), cid)).catch(() => undefined)
        if (found?.size !== Number(bytes)) missing++
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageRows) return missing
      after = last.cid
    }
  } finally {
    await sql.end()
  }
}

const openDatabase = async (options: RestoreOptions, { world, log = silentLog }: RestoreModules) => {
  if (options.databaseUrl !== undefined) return { connection: options.databaseUrl, stop: async () => {} }
  return startEmbeddedPostgres({ directory: path.join(options.directory, 'postgres') }, { world, log })
}

/**
 * Restores a backup into an empty data directory, then audits the ledger and reads the jobs back. The file is checked whole
 * before anything is made. Rejects `record_invalid`, `signature_invalid` for a backup that is half or altered; `conflict`
 * where there is data, or the key of another market; `forbidden` for another passphrase.
 */
export const restoreBackup = async (options: RestoreOptions, modules: RestoreModules): Promise<Restored> => {
  const { world, secp256k1, log = silentLog } = modules
  const verifier = createVerifier(secp256k1)
  const ignore = { onTable: () => {}, onRows: () => {}, onTableEnd: () => {} }
  const { header, record } = await readBackup(options.file, ignore, verifier)
  requirePart(options.file, header, 'data')
  if (options.keysFile !== undefined) {
    const keys = await readBackup(options.keysFile, ignore, verifier)
    requirePart(options.keysFile, keys.header, 'keys')
    if (keys.header.market !== header.market)
      throw refuse('These keys are of another market.', { expected: header.market, found: keys.header.market })
  }
  const key = await placeKey(options, header, secp256k1)
  await mkdir(options.directory, { recursive: true, mode: 0o700 })
  const { connection, stop } = await openDatabase(options, modules)
  try {
    const sql = openSql(connection, { connections: 2 })
    try {
      await loadBackup(options, header, sql, { world, verifier })
    } finally {
      await sql.end()
    }
    await key.place()
    const store = await createPostgresStore({ connection }, { world, log })
    try {
      const active = await store.jobs.active()
      await readJobs(store, active)
      return {
        header,
        record,
        names: options.keysFile === undefined ? 'lost' : 'restored',
        audit: await auditLedger({ world, store }),
        activeJobs: active.length,
        missingBlobs: await countMissing(connection, options.directory),
        key: key.found,
      }
    } finally {
      await store.close()
    }
  } finally {
    await stop()
  }
}
