import type { Address, AttemptId } from '@muster/protocol'

export interface LogBook {
  add(attempt: AttemptId, line: string): void
  /** Opens the log of an attempt of this market. */
  open(attempt: AttemptId, market: Address): void
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
}

export const defaultLogBook: LogBookOptions = { maxLines: 200, maxLineLength: 1000, maxLength: 16 * 2 ** 20 }

/** What each attempt's log costs even when it is empty. */
const overhead = 200

/** The last lines of recent attempts, bounded in every direction, kept past the attempts' end. */
export const createLogBook = ({ maxLines, maxLineLength, maxLength }: LogBookOptions): LogBook => {
  const logs = new Map<AttemptId, AttemptLog>()
  let total = 0

  const forgetOldest = (): void => {
    for (const [id, log] of logs) {
      if (total <= maxLength) return
      total -= log.length
      logs.delete(id)
    }
  }

  return {
    open: (attempt, market) => {
      if (logs.has(attempt)) return
      logs.set(attempt, { market, lines: [], length: overhead })
      total += overhead
      forgetOldest()
    },
    add: (attempt, line) => {
      const log = logs.get(attempt)
      if (log === undefined) return
      const kept = line.slice(0, maxLineLength)
      log.lines.push(kept)
      let change = kept.length
      if (log.lines.length > maxLines) change -= log.lines.shift()?.length ?? 0
      log.length += change
      total += change
      forgetOldest()
    },
    read: (attempt, market) => {
      const log = logs.get(attempt)
      return log === undefined || log.market !== market ? [] : [...log.lines]
    },
  }
}
