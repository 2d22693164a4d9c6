import {
  recordBytes,
  type Log,
  type Address,
  type SignatureDomain,
  type Signer,
  type Timer,
  type World,
} from '@muster/protocol'
import { plainProblem } from '../attempt/describe-failure.ts'
import type { Book, HeldAttempt } from '../book/book.ts'
import type { BlobCache } from '../blob/blob-cache.ts'
import { put, type JournalChange, type Outcome } from '../journal/journal-record.ts'

import type { Markets } from '../market/markets.ts'
import { sendOutcomes } from './send-outcomes.ts'

/** What ended and is not settled: journaled before it is sent, signed in batches and sent until it is settled. */
export interface Outbox {
  add(attempt: HeldAttempt): void
  /** Sends again what this market has not been sent within `resendMs`, or everything where `all` is set. */
  resend(market: Address, all?: boolean): void
  /** Resolves when nothing is waiting to be sent or settled. */
  drained(): Promise<void>
  /** Says that attempts were settled. */
  settled(): void
  stop(): void
}

export interface OutboxModules {
  readonly world: World
  readonly signer: Signer
  readonly book: Book
  readonly blobs: BlobCache
  readonly markets: Markets
  readonly log: Log
  readonly write: (changes: readonly JournalChange[]) => Promise<void>
  readonly domainOf: (market: Address) => SignatureDomain
}

export interface OutboxOptions {
  readonly claimBatchMs: number
  readonly resendMs: number
}

/** Attempts to a commit of the journal, so that the market has something to do while the next ones are written. */
const maxBatch = 128
const retryMs = 1000

export const createOutbox = (options: OutboxOptions, modules: OutboxModules): Outbox => {
  const { world, book, markets, log } = modules
  let waiting: HeldAttempt[] = []
  let timer: Timer | null = null
  let resending: Timer | null = null
  let isFlushing = false
  let isStopped = false
  let onDrained: (() => void)[] = []

  const isHeld = (attempt: HeldAttempt): boolean => book.attempts.get(attempt.id) === attempt
  const isSettled = (): boolean => {
    for (const { phase } of book.attempts.values()) if (phase === 'ended' || phase === 'reported') return false
    return true
  }

  const outcomeOf = ({ ending }: HeldAttempt): Outcome | null => {
    if (ending === null) return null
    if ('claim' in ending) {
      // Its bytes are needed three times: by the journal, by the signature and by the message.
      recordBytes(ending.claim)
      return { type: 'claimed', claim: ending.claim }
    }
    return { type: 'failed', problem: plainProblem(ending.problem) }
  }

  const flush = async (): Promise<void> => {
    const batch = waiting.slice(0, maxBatch).filter((attempt) => isHeld(attempt) && attempt.ending !== null)
    waiting = waiting.slice(maxBatch)
    if (batch.length === 0) return
    const outcomes = batch.map(outcomeOf)
    const changes = batch.map(({ id, market, start }, index) =>
      put({ kind: 'attempt', id, market, start, outcome: outcomes[index] ?? null }),
    )
    try {
      await modules.write(changes)
    } catch (error) {
      if (isStopped) return
      log.error('outcomes could not be journaled; trying again', { attempts: batch.length, error })
      waiting = [...batch, ...waiting]
      return schedule(retryMs)
    }
    batch.forEach((attempt, index) => {
      attempt.outcome = outcomes[index] ?? null
      attempt.phase = 'reported'
    })
    await send(batch.filter(isHeld))
  }

  const send = async (attempts: readonly HeldAttempt[]): Promise<void> => {
    const now = world.elapsed()
    for (const market of new Set(attempts.map((attempt) => attempt.market))) {
      const ours = attempts.filter((attempt) => attempt.market === market)
      if (!markets.isLinked(market)) {
        for (const output of ours.flatMap(({ outputs }) => outputs)) output.bytes = null
        continue
      }
      for (const attempt of ours) attempt.sentAt = now
      await sendOutcomes(modules, market, ours)
    }
    resendLater()
  }

  const run = async (): Promise<void> => {
    if (isFlushing) return
    isFlushing = true
    try {
      while (waiting.length > 0 && timer === null && !isStopped) await flush()
    } catch (error) {
      if (!isStopped) log.error('outcomes could not be sent', { error })
    } finally {
      isFlushing = false
      if (waiting.length > 0 && timer === null) schedule(retryMs)
      notify()
    }
  }

  const schedule = (delayMs: number): void => {
    if (timer !== null || isStopped) return
    timer = world.after(delayMs, () => {
      timer = null
      void run()
    })
  }

  const notify = (): void => {
    if (onDrained.length === 0 || !isSettled()) return
    const waitingFor = onDrained
    onDrained = []
    for (const resolve of waitingFor) resolve()
  }

  /** A timer while something is reported and not settled, none otherwise. */
  const resendLater = (): void => {
    if (resending !== null || isStopped || isSettled()) return
    resending = world.after(options.resendMs, () => {
      resending = null
      for (const market of markets.addresses) resend(market)
      resendLater()
    })
  }

  const resend = (market: Address, all = false): void => {
    const before = world.elapsed() - options.resendMs
    const due: HeldAttempt[] = []
    for (const attempt of book.attempts.values()) {
      if (attempt.market !== market || attempt.phase !== 'reported') continue
      if (all || attempt.sentAt === null || attempt.sentAt <= before) due.push(attempt)
    }
    if (due.length > 0) send(due).catch((error: unknown) => log.warn('outcomes could not be sent again', { error }))
  }

  return {
    add: (attempt) => {
      waiting.push(attempt)
      if (!isFlushing) schedule(options.claimBatchMs)
    },
    resend,
    drained: () => (isSettled() ? Promise.resolve() : new Promise((resolve) => onDrained.push(resolve))),
    settled: notify,
    stop: () => {
      isStopped = true
      timer?.cancel()
      resending?.cancel()
      for (const resolve of onDrained) resolve()
      onDrained = []
    },
  }
}
