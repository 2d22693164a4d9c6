import { MusterError } from '@muster/protocol'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers'
import { decodeRecord, encodeRecord, type JournalChange } from '../journal-record.ts'
import type { Journal } from '../journal.ts'

interface PendingCommit {
  readonly changes: readonly { readonly change: JournalChange; readonly bytes: Uint8Array | undefined }[]
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
  CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS epoch (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
  INSERT OR IGNORE INTO epoch VALUES (1, 0);
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

/**
 * The journal in one SQLite file (WAL, `synchronous = FULL`): a commit that resolved survives `kill -9` and a power cut.
 * Commits of one turn of the event loop share a transaction. The file is locked: one agent to a data directory.
 * Throws `unavailable` where it cannot be opened.
 */
export const openSqliteJournal = (file: string, { maxPages }: SqliteJournalOptions = {}): Journal => {
  const open = (): DatabaseSync => {
    try {
      const database = new DatabaseSync(file)
      database.exec(schema)
      if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
      return database
    } catch (cause) {
      throw explain(file, cause)
    }
  }
  const database = open()
  const putRow = database.prepare(
    'INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
  )
  const forgetRow = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?')
  const raiseEpoch = database.prepare('UPDATE epoch SET value = value + 1 RETURNING value')
  let pending: PendingCommit[] = []
  let isClosed = false

  const writeAll = (commits: readonly PendingCommit[]): void => {
    database.exec('BEGIN IMMEDIATE')
    try {
      for (const { changes } of commits) {
        for (const { change, bytes } of changes) {
          if (change.type === 'forget') forgetRow.run(change.kind, change.id)
          else if (bytes !== undefined) putRow.run(change.record.kind, change.record.id, bytes)
        }
      }
      database.exec('COMMIT')
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw cause
    }
  }

  const flush = (): void => {
    const commits = pending
    pending = []
    if (commits.length === 0) return
    try {
      if (commits.some(({ changes }) => changes.length > 0)) writeAll(commits)
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
      const rows = database.prepare('SELECT kind, id, body FROM record').all()
      return rows.map(({ kind, id, body }) =>
        decodeRecord(`${String(kind)}:${String(id)}`, body instanceof Uint8Array ? body : new Uint8Array()),
      )
    },
    commit: async (changes) => {
      requireOpen()
      const encoded = changes.map((change) => ({
        change,
        bytes: change.type === 'put' ? encodeRecord(change.record) : undefined,
      }))
      await new Promise<void>((resolve, reject) => {
        if (pending.length === 0) setImmediate(flush)
        pending.push({ changes: encoded, resolve, reject })
      })
    },
    nextEpoch: async () => {
      requireOpen()
      try {
        return Number(raiseEpoch.get()?.['value'])
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
