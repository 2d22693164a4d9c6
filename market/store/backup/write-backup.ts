import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import { signRecord, toHex, toJson, type SignatureDomain, type Signer, type World } from '@muster/protocol'
import { openSql, type PostgresConnection } from '../postgres/connection.ts'
import {
  endMark,
  endOfRows,
  tableMark,
  type BackupHeader,
  type BackupPart,
  type BackupRecord,
  type SealedKey,
  type WrittenTable,
} from './backup-format.ts'
import { copyTarget, isOfPart, listTables } from './list-tables.ts'

export interface WriteBackupOptions {
  readonly part: BackupPart
  readonly connection: PostgresConnection | string
  readonly domain: SignatureDomain
  /** Of the program that writes it. */
  readonly version: string
  readonly key: SealedKey | null
}

const newline = 10

const countLines = (chunk: Uint8Array): number => {
  let lines = 0
  for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) lines++
  return lines
}

async function* writeLines(
  { part, connection, domain, version, key }: WriteBackupOptions,
  { world, signer }: { readonly world: World; readonly signer: Signer },
): AsyncGenerator<Uint8Array> {
  const whole = createHash('sha256')
  const say = (text: string): Uint8Array => {
    const line = Buffer.from(`${text}\n`)
    whole.update(line)
    return line
  }
  const sql = openSql(connection, { connections: 1 })
  try {
    // The client reserves a connection that is open, and waits for ever for one that it would have to open.
    await sql`SELECT 1`
    const tx = await sql.reserve()
    await tx`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
    const at = world.now()
    const [schema] = await tx<[{ newest: number }]>`SELECT max(number) AS newest FROM migration`
    const header: BackupHeader = {
      format: 'muster-backup',
      version: 1,
      part,
      market: domain.market,
      chainId: domain.chainId,
      program: version,
      migration: schema.newest,
      at,
      key,
    }
    yield say(toJson(header))
    const tables: WrittenTable[] = []
    for (const table of (await listTables(tx)).filter((each) => isOfPart(each, part))) {
      yield say(`${tableMark}${toJson(table)}`)
      const hash = createHash('sha256')
      let rows = 0
      const copied = await tx.unsafe(`COPY ${copyTarget(table)} TO STDOUT`).readable()
      for await (const chunk of copied as AsyncIterable<Uint8Array>) {
        hash.update(chunk)
        whole.update(chunk)
        rows += countLines(chunk)
        yield chunk
      }
      // The client stops its connection when a reader is slow, and goes on when asked for more: after the end nobody asks.
      copied._read(0)
      yield say(endOfRows)
      tables.push({ name: table.name, rows, sha256: toHex(hash.digest()) })
    }
    const [blobs] = await tx<[{ count: string; bytes: string }]>`
      SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM blob`
    const record: BackupRecord = {
      kind: 'backup',
      market: domain.market,
      at,
      sha256: toHex(whole.digest()),
      tables,
      blobs: { count: Number(blobs.count), bytes: Number(blobs.bytes) },
    }
    yield Buffer.from(`${endMark}${toJson(signRecord(signer, domain, record))}\n`)
  } finally {
    // Whoever stopped reading leaves a COPY behind: the connection goes with it.
    await sql.end({ timeout: 0 })
  }
}

/**
 * All tables as they were at one moment, as one stream that is never held in memory. Begins when it is first read, ends only
 * where it is whole, and fails where the database does.
 */
export async function* writeBackup(
  options: WriteBackupOptions,
  modules: { readonly world: World; readonly signer: Signer },
): AsyncGenerator<Uint8Array> {
  const compressed = createZstdCompress()
  const lines = Readable.from(writeLines(options, modules), { objectMode: false })
  lines.once('error', (error) => compressed.destroy(error))
  try {
    yield* lines.pipe(compressed) as AsyncIterable<Uint8Array>
  } finally {
    compressed.destroy()
    lines.destroy()
  }
}
