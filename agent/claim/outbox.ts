import type { Address, Claim, Log, SignatureDomain, Signer, Timer, World } from '@muster/protocol'
import type { BlobCache } from '../blob/blob-cache.ts'
import type { Book, HeldAttempt, HeldReport } from '../book/book.ts'
import { forgetOutcomes, put, type JournalChange } from '../journal/journal-record.ts'
import type { Markets } from '../market/markets.ts'
import { groupAttempts, reportedAtOnce } from './group-attempts.ts'
import { makeReport } from './make-report.ts'
import { sendOutcomes } from './send-outcomes.ts'

/** What ended and is not settled: signed in batches, journaled before it is sent, and sent until it is settled. */
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
  /** These claims are durable, and sent for the first time. */
  readonly onClaimed: (market: Address, claims: readonly Claim[]) => void
  readonly log: Log
  readonly write: (changes: readonly JournalChange[]) => Promise<void>
  readonly writeAlong: (changes: readonly JournalChange[]) => void
  readonly domainOf: (market: Address) => SignatureDomain
}

export interface OutboxOptions {
  readonly claimBatchMs: number
  readonly resendMs: number
}

const retryMs = 1000

const putReport = ({ id, market, claims, failures }: HeldReport): JournalChange =>
  put({ kind: 'outcomes', id, market, claims, failures })

export const createOutbox = (options: OutboxOptions, modules: OutboxModules): Outbox => {
  const { world, book, markets, log } = modules
  let waiting: HeldAttempt[] = []
  let timer: Timer | null = null
  let isRetrying = false
  let resending: Timer | null = null
  let isFlushing = false
  let isStopped = false
  let onDrained: (() => void)[] = []

  const isHeld = (attempt: HeldAttempt): boolean => book.attempts.get(attempt.id) === attempt
  const isSettled = (): boolean => waiting.length === 0 && !isFlushing && book.reports.size === 0

  /** Enters what is durable now into the book. What was settled or given up while it was written is not sent. */
  const hold = (report: HeldReport): void => {
    for (const starts of new Set(report.attempts.map((attempt) => attempt.starts))) {
      if (book.starts.get(starts.id) !== starts) continue
      starts.reports.add(report)
      report.starts.add(starts)
    }
    for (const attempt of report.attempts) {
      if (!isHeld(attempt)) continue
      attempt.phase = 'reported'
      attempt.report = report
      report.unsettled++
    }
    if (report.starts.size === 0) modules.writeAlong([forgetOutcomes(report.id)])
    if (report.unsettled > 0) book.reports.add(report)
  }

  const flush = async (): Promise<void> => {
    const batch = waiting.slice(0, reportedAtOnce).filter((attempt) => isHeld(attempt) && attempt.ending !== null)
    waiting = waiting.slice(reportedAtOnce)
    const reports = groupAttempts(batch).flatMap((attempts) => {
      const [first] = attempts
      if (first === undefined) return []
      return [makeReport(modules.signer, modules.domainOf(first.market), first.market, attempts)]
    })
    if (reports.length === 0) return
    try {
      await modules.write(reports.map(putReport))
    } catch (error) {
      if (isStopped) return
      log.error('outcomes could not be journaled; trying again', { attempts: batch.length, error })
      waiting = [...batch, ...waiting]
      isRetrying = true
      return schedule(retryMs)
    }
    reports.forEach(hold)
    for (const { market, claims } of reports) if (claims !== null) modules.onClaimed(market, claims.claims)
    try {
      for (const report of reports) if (report.unsettled > 0) await send(report)
    } finally {
      resendLater()
    }
  }

  const send = async (report: HeldReport): Promise<void> => {
    if (markets.isLinked(report.market)) {
      report.sentAt = world.elapsed()
      await sendOutcomes(report, modules)
    } else {
      for (const { outputs } of report.attempts) for (const output of outputs) output.bytes = null
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
      isRetrying = false
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
    if (resending !== null || isStopped || book.reports.size === 0) return
    resending = world.after(options.resendMs, () => {
      resending = null
      for (const market of markets.addresses) resend(market)
      resendLater()
    })
  }

  const sendAgain = async (reports: readonly HeldReport[]): Promise<void> => {
    for (const report of reports) if (report.unsettled > 0) await send(report)
  }

  const resend = (market: Address, all = false): void => {
    if (book.reports.size === 0 || !markets.isLinked(market)) return
    const now = world.elapsed()
    const due: HeldReport[] = []
    for (const report of book.reports) {
      if (report.market !== market) continue
      if (!all && report.sentAt !== null && report.sentAt > now - options.resendMs) continue
      report.sentAt = now
      due.push(report)
    }
    if (due.length > 0)
      sendAgain(due).catch((error: unknown) => log.warn('outcomes could not be sent again', { error }))
  }

  return {
    add: (attempt) => {
      waiting.push(attempt)
      if (isFlushing || isRetrying) return
      if (waiting.length < reportedAtOnce) return schedule(options.claimBatchMs)
      timer?.cancel()
      timer = null
      void run()
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
