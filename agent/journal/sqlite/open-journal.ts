import { decodeCanonical, encodeCanonical, MusterError } from '@muster/protocol'
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers'
import { decodeRecord, encodeRecord } from '../journal-record.ts'
import type { Journal } from '../journal.ts'
import { requireEpoch } from '../require-epoch.ts'

/** A record as it is written: its kind and id, and its bytes, or nothing where it is forgotten. */
type Row = readonly [kind: string, id: string, body: Uint8Array | null]

interface PendingCommit {
  readonly rows: readonly Row[]
  readonly resolve: () => void
  readonly reject: (error: MusterError) => void
}

export interface SqliteJournalOptions {
  /** Most pages of 4 KiB; past it every commit is refused with `disk_full`. */
  readonly maxPages?: number
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA locking_mode = EXCLUSIVE;
  CREATE TABLE IF NOT EXISTS change (seq INTEGER PRIMARY KEY, rows BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS epoch (market TEXT PRIMARY KEY, value INTEGER NOT NULL);
`

const explain = (file: string, cause: unknown): MusterError => {
  const found = cause instanceof Error ? cause.message : String(cause)
  const isFull = /full/i.test(found)
  const isLocked = /locked|busy/i.test(found)
  return new MusterError({
    code: isFull ? 'disk_full' : 'unavailable',
    message: isFull
      ? 'The disk of this machine is full, so the agent can promise nothing; free some space.'
      : isLocked
        ? 'Another agent is using this data directory; stop it or give this one a directory of its own.'
        : "The agent's journal cannot be used; look at the data directory.",
    facts: { file, found },
    fault: 'machine',
    cause,
  })
}

/** The log is written anew once it is this much larger than what is in force. */
const spareBytes = 4 * 2 ** 20
const rowsPerChange = 1_000

const keyOf = (kind: string, id: string): string => `${kind}:${id}`

/** SQLite gives the files beside this one the rights it has. */
const closeToOthers = (file: string): void => {
  closeSync(openSync(file, 'a', 0o600))
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, 0o600)
}

const readRows = (file: string, body: unknown): readonly Row[] => {
  if (!(body instanceof Uint8Array)) throw explain(file, 'a change without bytes')
  return decodeCanonical(body) as Row[]
}

/**
 * The journal in one SQLite file (WAL, `synchronous = FULL`): a commit that resolved survives `kill -9` and a power cut.
 * Commits of one turn of the event loop are one row of a log, which is written anew when most of it is out of force; what
 * is in force is held in memory beside it. The file is locked: one agent to a data directory.
 * Throws `unavailable` where it cannot be opened.
 */
export const openSqliteJournal = (file: string, { maxPages }: SqliteJournalOptions = {}): Journal => {
  const open = (): DatabaseSync => {
    try {
      closeToOthers(file)
      const database = new DatabaseSync(file)
      database.exec(schema)
      if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
      return database
    } catch (cause) {
      throw explain(file, cause)
    }
  }
  const database = open()
  const append = database.prepare('INSERT INTO change (rows) VALUES (?)')
  const clear = database.prepare('DELETE FROM change')
  const readEpoch = database.prepare('SELECT value FROM epoch WHERE market = ?')
  const writeEpoch = database.prepare('INSERT OR REPLACE INTO epoch (market, value) VALUES (?, ?)')
  const inForce = new Map<string, Row>()
  let liveBytes = 0
  let logBytes = 0
  let pending: PendingCommit[] = []
  let isClosed = false

  const sizeOf = (row: Row | undefined): number =>
    row === undefined ? 0 : row[0].length + row[1].length + (row[2]?.length ?? 0)

  const apply = (rows: readonly Row[]): void => {
    for (const row of rows) {
      const [kind, id, body] = row
      const key = keyOf(kind, id)
      liveBytes -= sizeOf(inForce.get(key))
      if (body === null) inForce.delete(key)
      else {
        inForce.set(key, row)
        liveBytes += sizeOf(row)
      }
    }
  }

  const transact = (action: () => void): void => {
    database.exec('BEGIN IMMEDIATE')
    try {
      action()
      database.exec('COMMIT')
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw cause
    }
  }

  /** Replaces the log by what is in force after these rows. */
  const rewrite = (rows: readonly Row[]): void => {
    const next = new Map(inForce)
    for (const row of rows) {
      if (row[2] === null) next.delete(keyOf(row[0], row[1]))
      else next.set(keyOf(row[0], row[1]), row)
    }
    const live = [...next.values()]
    transact(() => {
      clear.run()
      for (let at = 0; at < live.length; at += rowsPerChange)
        append.run(encodeCanonical(live.slice(at, at + rowsPerChange)))
    })
    apply(rows)
    logBytes = liveBytes
  }

  const write = (rows: readonly Row[]): void => {
    const bytes = encodeCanonical(rows)
    if (logBytes + bytes.length > 2 * liveBytes + spareBytes) return rewrite(rows)
    try {
      append.run(bytes)
    } catch (cause) {
      if (logBytes <= liveBytes) throw cause
      return rewrite(rows)
    }
    apply(rows)
    logBytes += bytes.length
  }

  const load = (): void => {
    for (const { rows } of database.prepare('SELECT rows FROM change ORDER BY seq').all()) {
      apply(readRows(file, rows))
      logBytes += rows instanceof Uint8Array ? rows.length : 0
    }
  }
  try {
    load()
  } catch (cause) {
    database.close()
    throw explain(file, cause)
  }

  const flush = (): void => {
    const commits = pending
    pending = []
    const rows = commits.flatMap((commit) => commit.rows)
    try {
      if (rows.length > 0) write(rows)
    } catch (cause) {
      const error = explain(file, cause)
      for (const { reject } of commits) reject(error)
      return
    }
    for (const { resolve } of commits) resolve()
  }

  const requireOpen = (): void => {
    if (isClosed) throw new MusterError({ code: 'unavailable', message: 'The journal is closed.', fault: 'machine' })
  }

  return {
    load: async () => {
      requireOpen()
      flush()
      return [...inForce].map(([key, [, , body]]) => decodeRecord(key, body ?? new Uint8Array()))
    },
    commit: async (changes) => {
      requireOpen()
      const rows = changes.map((change): Row =>
        change.type === 'put'
          ? [change.record.kind, change.record.id, encodeRecord(change.record)]
          : [change.kind, change.id, null],
      )
      await new Promise<void>((resolve, reject) => {
        if (pending.length === 0) setImmediate(flush)
        pending.push({ rows, resolve, reject })
      })
    },
    nextEpoch: async (market, atLeast) => {
      requireOpen()
      try {
        const epoch = requireEpoch(Math.max(Number(readEpoch.get(market)?.['value'] ?? 0) + 1, atLeast))
        writeEpoch.run(market, epoch)
        return epoch
      } catch (cause) {
        throw explain(file, cause)
      }
    },
    close: async () => {
      if (isClosed) return
      flush()
      isClosed = true
      database.close()
    },
  }
}
