import { MusterError } from '@muster/protocol'
import postgres from 'postgres'

/** What an error of the database means for the statement it came from. */
export type Meaning =
  /** A rule of the schema: it would fail again. */
  | 'refused'
  /** Lost a race against another node: rolled back, try again. */
  | 'raced'
  /** Rolled back for want of something that may come back. */
  | 'rolled-back'
  /** It may have been committed or not. */
  | 'unknown'

const racedCodes = new Set(['40001', '40P01'])
const racedConstraints = new Set(['ledger_account_pkey'])

export const meaningOf = (error: unknown): Meaning => {
  if (!(error instanceof postgres.PostgresError)) return 'unknown'
  const raced = racedCodes.has(error.code) || racedConstraints.has(error.constraint_name ?? '')
  if (raced || error.table_name === 'writer') return 'raced'
  const kind = error.code.slice(0, 2)
  if (kind === '22' || kind === '23') return 'refused'
  return ['08', '57', '58', 'XX'].includes(kind) ? 'unknown' : 'rolled-back'
}

const retryDiskMs = 5_000
const retryMs = 1_000

const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
])

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

/** The database cannot be had; `outcome` says what is known of what was under way. A full disk is named as the cause. */
export const databaseUnavailable = (cause: unknown, outcome: 'nothing written' | 'unknown'): MusterError => {
  const full = codeOf(cause) === 'disk_full'
  return new MusterError({
    code: full ? 'disk_full' : 'unavailable',
    fault: 'machine',
    retryAfterMs: full ? retryDiskMs : retryMs,
    message: full
      ? 'The disk of the database is full, and the database is down until there is room.'
      : 'The database does not answer; try again in a moment.',
    facts: { outcome, found: codeOf(cause) },
    cause,
  })
}

/** What a caller is told of an error of the database; what is no such error passes. */
export const toStoreError = (error: unknown): unknown => {
  if (error instanceof MusterError) return error
  const code = codeOf(error)
  if (code === '53100') {
    return new MusterError({
      code: 'disk_full',
      retryAfterMs: retryDiskMs,
      message: 'The disk of the database is full; nothing was written.',
      facts: { outcome: 'nothing written', found: code },
      cause: error,
    })
  }
  const kind = code.slice(0, 2)
  const away =
    error instanceof postgres.PostgresError ? ['08', '25', '53', '57', '58', 'XX', '40'].includes(kind) : false
  return away || connectionCodes.has(code) ? databaseUnavailable(error, 'nothing written') : error
}

const mapped =
  <Args extends readonly unknown[], Result>(read: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    try {
      return await read(...args)
    } catch (error) {
      throw toStoreError(error)
    }
  }

const isAway = (error: unknown): boolean => error instanceof MusterError && error.code === 'unavailable'

/**
 * `mapErrors` for functions that only read, or write the same again: what breaks a connection that lay in the pool is
 * tried once more, on another.
 */
export const mapReads = <Reads extends object>(reads: Reads): Reads => {
  const again =
    <Args extends readonly unknown[], Result>(read: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await read(...args)
      } catch (error) {
        if (!isAway(error)) throw error
        return read(...args)
      }
    }
  return Object.fromEntries(Object.entries(mapErrors(reads)).map(([name, read]) => [name, again(read)])) as Reads
}

/** The same functions, whose rejections are errors of Muster where the database is to blame. */
export const mapErrors = <Reads extends object>(reads: Reads): Reads =>
  Object.fromEntries(Object.entries(reads).map(([name, read]) => [name, mapped(read)])) as Reads
