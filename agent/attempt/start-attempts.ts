import {
  cidOf,
  inlineBlobBytes,
  MusterError,
  parseAttemptId,
  recordBytes,
  toProblem,
  type Address,
  type AttemptName,
  type MarketMessage,
  type Problem,
  type Start,
} from '@muster/protocol'
import type { HeldAttempt, HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { put, type JournalChange } from '../journal/journal-record.ts'
import { describeFailure } from './describe-failure.ts'
import { dropAttempt } from './drop-attempt.ts'
import { noteFences } from './note-fences.ts'
import { pumpLease } from './pump-lease.ts'

export const newAttempt = (market: Address, start: Start, name: AttemptName): HeldAttempt => ({
  id: start.attempt,
  name,
  market,
  start,
  abort: new AbortController(),
  phase: 'queued',
  isDurable: false,
  preparation: 'none',
  ending: null,
  outcome: null,
  outputs: [],
  needs: [],
  sentAt: null,
})

const leaseClosed = (start: Start): Problem =>
  toProblem(
    new MusterError({
      code: 'lease_closed',
      message: 'This agent holds no such lease any more.',
      facts: { lease: start.lease },
    }),
  )

const overloaded = (limit: string, value: number): Problem =>
  toProblem(
    new MusterError({
      code: 'rate_limited',
      message: 'This agent has more attempts waiting than it takes.',
      facts: { [limit]: value },
      fault: 'market',
    }),
  )

const mismatch = (field: string, expected: string, found: string): Problem =>
  toProblem(
    new MusterError({
      code: 'record_invalid',
      message: `This attempt does not belong to its lease: ${field} differs.`,
      facts: { field, expected, found },
      fault: 'market',
    }),
  )

const refusal = (context: AgentContext, lease: HeldLease, start: Start, name: AttemptName): Problem | undefined => {
  const { options, book } = context
  const { job, runtime } = lease.signed.record
  if (name.job !== job) return mismatch('job', job, name.job)
  if (start.runtime !== runtime) return mismatch('runtime', runtime, start.runtime)
  if (lease.queue.size >= options.maxQueuedPerLease) return overloaded('maxQueuedPerLease', options.maxQueuedPerLease)
  if (book.attempts.size >= options.maxUnsettled) return overloaded('maxUnsettled', options.maxUnsettled)
  return undefined
}

const fencesOf = ({ book }: AgentContext, { job }: AttemptName): Map<number, number> => {
  const known = book.fences.get(job)
  if (known !== undefined) return known
  const fences = new Map<number, number>()
  book.fences.set(job, fences)
  return fences
}

const storeBlobs = async (context: AgentContext, blobs: readonly Uint8Array[]): Promise<void> => {
  for (const bytes of blobs) {
    if (bytes.length > inlineBlobBytes) continue
    await context.blobs.put(cidOf(bytes), bytes).catch((error: unknown) => {
      context.log.warn('a blob that came with a start could not be kept', { error })
    })
  }
}

/**
 * Takes attempts on: each is queued on its lease once it is durable. One already here changes nothing; one whose task has
 * been here under a higher fence, or under this one and ended, is left alone; a lower fence of its task is dropped. What
 * cannot be taken on is answered with a failure.
 */
export const startAttempts = async (
  context: AgentContext,
  market: Address,
  message: Extract<MarketMessage, { type: 'start' }>,
): Promise<void> => {
  const { book } = context
  const taken: HeldAttempt[] = []
  const changes: JournalChange[] = []
  const failures: { attempt: Start['attempt']; problem: Problem }[] = []

  for (const start of message.starts) {
    const known = book.attempts.get(start.attempt)
    const name = parseAttemptId(start.attempt)
    if (name === undefined || (known !== undefined && known.market !== market)) continue
    if (known !== undefined) {
      if (known.phase === 'reported') known.sentAt = null
      continue
    }
    const lease = book.leases.get(start.lease)
    if (lease === undefined || lease.signed.record.market !== market) {
      failures.push({ attempt: start.attempt, problem: leaseClosed(start) })
      continue
    }
    const problem = refusal(context, lease, start, name)
    if (problem !== undefined) {
      failures.push({ attempt: start.attempt, problem })
      continue
    }
    const fences = fencesOf(context, name)
    const highest = fences.get(name.index) ?? 0
    if (name.fence <= highest) continue
    const lower = findLower(context, name, highest)
    if (lower !== undefined) changes.push(...dropAttempt(context, lower))
    fences.set(name.index, name.fence)
    // Its bytes are needed again once it has ended.
    recordBytes(start)
    const attempt = newAttempt(market, start, name)
    book.attempts.set(attempt.id, attempt)
    lease.queue.add(attempt)
    taken.push(attempt)
    changes.push(put({ kind: 'attempt', id: attempt.id, market, start, outcome: null }))
    context.logBook.open(attempt.id, market)
  }

  for (const [job, ofJob] of Map.groupBy(taken, ({ name }) => name.job)) {
    const tasks = ofJob.map(({ name: { index, fence } }) => ({ index, fence }))
    changes.push(...noteFences(book, job, tasks))
  }
  if (failures.length > 0) context.markets.send(market, { type: 'failures', failures })
  const stored = storeBlobs(context, message.blobs)
  // Handed to the journal in the turn in which the book changed, so that what strikes them out again comes after them.
  if (taken.length > 0) await makeDurable(context, market, taken, changes, stored)
  await stored
  context.outbox.resend(market)
}

const makeDurable = async (
  context: AgentContext,
  market: Address,
  taken: readonly HeldAttempt[],
  changes: readonly JournalChange[],
  stored: Promise<void>,
): Promise<void> => {
  try {
    await context.write(changes)
    await stored
  } catch (error) {
    if (context.signal.aborted) return
    const problem = describeFailure(error)
    for (const attempt of taken) {
      dropAttempt(context, attempt)
      context.book.fences.get(attempt.name.job)?.delete(attempt.name.index)
    }
    const failures = taken.map(({ id }) => ({ attempt: id, problem }))
    return context.markets.send(market, { type: 'failures', failures })
  }
  for (const attempt of taken) attempt.isDurable = true
  for (const lease of new Set(taken.map(({ start }) => context.book.leases.get(start.lease)))) {
    if (lease !== undefined) pumpLease(context, lease)
  }
}

const findLower = ({ book }: AgentContext, { job, index }: AttemptName, fence: number): HeldAttempt | undefined => {
  if (fence === 0) return undefined
  const lower = book.attempts.get(`${job}.${index}.${fence}` as HeldAttempt['id'])
  return lower !== undefined && (lower.phase === 'queued' || lower.phase === 'running') ? lower : undefined
}
