import type { Address, JobId, Log, Timer, World } from '@muster/protocol'
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ClaimCount, ClaimCounts } from './claim-counts.ts'

export const claimCountsFileOf = (dataDirectory: string): string => path.join(dataDirectory, 'claims.sqlite')

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 2000;
  CREATE TABLE IF NOT EXISTS claim_count (
    market TEXT NOT NULL,
    job TEXT NOT NULL,
    claims INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (market, job)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claim_count_by_time ON claim_count (last_at);
`

const writeMs = 2_000
/** Longer ago than this nobody asks. */
const keptMs = 400 * 86_400_000

const rowsOf = (database: DatabaseSync): ClaimCount[] =>
  database
    .prepare('SELECT market, job, claims, first_at, last_at FROM claim_count')
    .all()
    .map((row) => ({
      market: String(row['market']) as Address,
      job: String(row['job']) as JobId,
      claims: Number(row['claims']),
      firstAt: Number(row['first_at']),
      lastAt: Number(row['last_at']),
    }))

/**
 * The counts in a SQLite file that others may read while the agent runs: written every two seconds, so that it costs the agent's
 * work nothing. What cannot be written is logged and kept for the next time.
 */
export const openClaimCounts = (
  file: string,
  { world, log }: { readonly world: World; readonly log: Pick<Log, 'warn'> },
): ClaimCounts => {
  closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file)
  database.exec(schema)
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, 0o600)
  database.prepare('DELETE FROM claim_count WHERE last_at < ?').run(world.now() - keptMs)
  const write = database.prepare(`
    INSERT INTO claim_count (market, job, claims, first_at, last_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (market, job) DO UPDATE SET claims = claims + excluded.claims, last_at = max(last_at, excluded.last_at)
  `)
  let waiting = new Map<string, ClaimCount>()
  let timer: Timer | null = null
  let isClosed = false

  const flush = (): void => {
    timer?.cancel()
    timer = null
    if (isClosed || waiting.size === 0) return
    const rows = [...waiting.values()]
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const { market, job, claims, firstAt, lastAt } of rows) write.run(market, job, claims, firstAt, lastAt)
      database.exec('COMMIT')
      waiting = new Map()
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      log.warn('the counts of claims could not be written; trying again', { file, error })
      timer = world.after(writeMs, flush)
    }
  }

  return {
    add: (market, job, claims, at) => {
      if (isClosed) return
      const key = `${market} ${job}`
      const known = waiting.get(key)
      waiting.set(key, {
        market,
        job,
        claims: claims + (known?.claims ?? 0),
        firstAt: known?.firstAt ?? at,
        lastAt: at,
      })
      timer ??= world.after(writeMs, flush)
    },
    list: () => {
      flush()
      return rowsOf(database)
    },
    close: () => {
      if (isClosed) return
      flush()
      isClosed = true
      timer?.cancel()
      database.close()
    },
  }
}

/** What an agent has counted, whether it runs or not; nothing where none has run here. */
export const readClaimCounts = (file: string): ClaimCount[] => {
  if (!existsSync(file)) return []
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return rowsOf(database)
  } finally {
    database.close()
  }
}
