import type { Address, AttemptId } from '@muster/protocol'

export interface LogBook {
  /** A line of an attempt of this market. */
  add(attempt: AttemptId, market: Address, line: string): void
  /** The last lines of an attempt of this market, oldest first. */
  read(attempt: AttemptId, market: Address): readonly string[]
}

export interface LogBookOptions {
  readonly maxLines: number
  readonly maxLineLength: number
  /** Of all logs together; the oldest attempt's log is forgotten first. */
  readonly maxLength: number
}

interface AttemptLog {
  readonly market: Address
  readonly lines: string[]
  length: number
  /** Whether several attempts whose logs are one and the same line have it. */
  isShared: boolean
}

export const defaultLogBook: LogBookOptions = { maxLines: 200, maxLineLength: 1000, maxLength: 16 * 2 ** 20 }

/** What each attempt's log costs besides its lines. */
const overhead = 200

/** The last lines of recent attempts, bounded in every direction, kept past the attempts' end. */
export const createLogBook = ({ maxLines, maxLineLength, maxLength }: LogBookOptions): LogBook => {
  const logs = new Map<AttemptId, AttemptLog>()
  let newest: AttemptLog | null = null
  let total = 0

  /** Several at a time: finding the oldest costs more than forgetting it. */
  const forgetOldest = (): void => {
    for (const [id, log] of logs) {
      if (total <= (maxLength / 8) * 7) return
      total -= log.length
      logs.delete(id)
    }
  }

  const open = (attempt: AttemptId, market: Address, line: string): void => {
    if (newest?.market === market && newest.lines.length === 1 && newest.lines[0] === line) newest.isShared = true
    else newest = { market, lines: [line], length: overhead + line.length, isShared: false }
    logs.set(attempt, newest)
    total += newest.length
  }

  const append = (attempt: AttemptId, known: AttemptLog, line: string): void => {
    const log = known.isShared ? { ...known, lines: [...known.lines], isShared: false } : known
    if (log !== known) logs.set(attempt, log)
    log.lines.push(line)
    let change = line.length
    if (log.lines.length > maxLines) change -= log.lines.shift()?.length ?? 0
    log.length += change
    total += change
  }

  return {
    add: (attempt, market, line) => {
      const log = logs.get(attempt)
      const kept = line.length <= maxLineLength ? line : line.slice(0, maxLineLength)
      if (log === undefined) open(attempt, market, kept)
      else if (log.market === market) append(attempt, log, kept)
      if (total > maxLength) forgetOldest()
    },
    read: (attempt, market) => {
      const log = logs.get(attempt)
      return log === undefined || log.market !== market ? [] : [...log.lines]
    },
  }
}
