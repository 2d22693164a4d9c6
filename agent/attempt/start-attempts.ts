import {
  cidOf,
  inlineBlobBytes,
  MusterError,
  startsOf,
  toProblem,
  type Address,
  type Problem,
  type StartBatch,
  type Starts,
} from '@muster/protocol'
import { heldJob, holdAttempt, type HeldAttempt, type HeldLease, type HeldStarts } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import type { JournalChange, OutcomesRecord } from '../journal/journal-record.ts'
import { describeFailure } from './describe-failure.ts'
import { dropAttempt } from './drop-attempt.ts'
import { newAttempt } from './new-attempt.ts'
import { pumpLease } from './pump-lease.ts'
import { holdStarts, putStarts, releaseStarts, strikeOut } from './strike-out.ts'

const leaseClosed = ({ lease }: StartBatch): Problem =>
  toProblem(
    new MusterError({
      code: 'lease_closed',
      message: 'This agent holds no such lease any more.',
      facts: { lease },
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

/** Why no attempt of a batch can be taken on, if that is so. */
const refusalOf = (lease: HeldLease | undefined, market: Address, batch: StartBatch): Problem | undefined => {
  if (lease === undefined || lease.signed.record.market !== market) return leaseClosed(batch)
  const { job, runtime } = lease.signed.record
  if (batch.job !== job) return mismatch('job', job, batch.job)
  if (batch.runtime !== runtime) return mismatch('runtime', runtime, batch.runtime)
  return undefined
}

/** A market may fill its share of what is kept at most, so that the others always find room. */
const overload = ({ options, book, markets }: AgentContext, lease: HeldLease): Problem | undefined => {
  const { maxQueuedPerLease } = options
  const maxUnsettled = Math.ceil(options.maxUnsettled / Math.max(1, markets.linkedCount))
  if (lease.queue.size >= maxQueuedPerLease) return overloaded('maxQueuedPerLease', maxQueuedPerLease)
  const { market } = lease.signed.record
  if (book.attempts.size >= options.maxUnsettled || (book.attemptsOf.get(market) ?? 0) >= maxUnsettled)
    return overloaded('maxUnsettled', maxUnsettled)
  return undefined
}

const storeBlobs = async (context: AgentContext, blobs: readonly Uint8Array[]): Promise<void> => {
  for (const bytes of blobs) {
    if (bytes.length > inlineBlobBytes) continue
    await context.blobs.put(cidOf(bytes), bytes).catch((error: unknown) => {
      context.log.warn('a blob that came with a start could not be kept', { error })
    })
  }
}

const lowerOf = (
  { book }: AgentContext,
  { job }: StartBatch,
  index: number,
  fence: number,
): HeldAttempt | undefined => {
  const lower = book.attempts.get(`${job}.${index}.${fence}` as HeldAttempt['id'])
  return lower !== undefined && (lower.phase === 'queued' || lower.phase === 'running') ? lower : undefined
}

/** What became of a batch: what was taken on, what the journal must be told besides, and what was refused. */
interface Taken {
  readonly attempts: HeldAttempt[]
  starts: HeldStarts | null
  readonly changes: JournalChange[]
  readonly failures: OutcomesRecord['failures']
}

const takeBatch = (context: AgentContext, market: Address, batch: StartBatch): Taken => {
  const { book } = context
  const taken: Taken = { attempts: [], starts: null, changes: [], failures: [] }
  const lease = book.leases.get(batch.lease)
  const refusal = refusalOf(lease, market, batch)
  const tasks: StartBatch['tasks'] = []
  const dropped = new Set<HeldStarts>()
  for (const [at, start] of startsOf(batch).entries()) {
    const known = book.attempts.get(start.attempt)
    if (known !== undefined) {
      if (known.market === market && known.report !== null) known.report.sentAt = null
      continue
    }
    const task = batch.tasks[at]
    if (task === undefined) continue
    const problem = refusal ?? (lease === undefined ? undefined : overload(context, lease))
    if (problem !== undefined || lease === undefined) {
      taken.failures.push({ attempt: start.attempt, problem: problem ?? leaseClosed(batch) })
      continue
    }
    const { fences } = heldJob(book, batch.job)
    const highest = fences.get(task.index) ?? 0
    if (task.fence <= highest) continue
    const lower = highest === 0 ? undefined : lowerOf(context, batch, task.index, highest)
    if (lower !== undefined) {
      dropAttempt(context, lower)
      dropped.add(lower.starts)
    }
    fences.set(task.index, task.fence)
    taken.starts ??= { id: start.attempt, market, batch, left: 0, reports: new Set() }
    const attempt = newAttempt(taken.starts, start)
    taken.starts.left++
    holdAttempt(book, attempt)
    lease.queue.add(attempt)
    taken.attempts.push(attempt)
    tasks.push(task)
  }
  const { starts } = taken
  if (starts === null) return taken
  if (tasks.length < batch.tasks.length) starts.batch = { ...batch, tasks }
  holdStarts(book, starts)
  dropped.delete(starts)
  taken.changes.push(putStarts(book, starts), ...strikeOut(book, dropped))
  return taken
}

/**
 * Takes attempts on: each is queued on its lease once it is durable. One already here changes nothing; one whose task has
 * been here under a higher fence, or under this one and ended, is left alone; a lower fence of its task is dropped. What
 * cannot be taken on is answered with a failure.
 */
export const startAttempts = async (
  context: AgentContext,
  market: Address,
  { batches: sent, blobs }: Starts,
): Promise<void> => {
  const batches = sent.map((batch) => takeBatch(context, market, batch))
  const failures = batches.flatMap((taken) => taken.failures)
  if (failures.length > 0) context.markets.send(market, { type: 'failures', failures })
  const stored = blobs.length === 0 ? undefined : storeBlobs(context, blobs)
  const kept = batches.filter(({ starts }) => starts !== null)
  // Handed to the journal in the turn in which the book changed, so that what strikes them out again comes after them.
  if (kept.length > 0) await makeDurable(context, market, kept, stored)
  await stored
  context.outbox.resend(market)
}

const makeDurable = async (
  context: AgentContext,
  market: Address,
  batches: readonly Taken[],
  stored: Promise<void> | undefined,
): Promise<void> => {
  try {
    await context.write(batches.flatMap(({ changes }) => changes))
    await stored
  } catch (error) {
    if (context.signal.aborted) return
    for (const taken of batches) giveUp(context, market, taken, describeFailure(error))
    return
  }
  for (const { attempts } of batches) {
    for (const attempt of attempts) attempt.isDurable = true
  }
  for (const leaseId of new Set(batches.map(({ starts }) => starts?.batch.lease))) {
    const lease = leaseId === undefined ? undefined : context.book.leases.get(leaseId)
    if (lease !== undefined) pumpLease(context, lease)
  }
}

/** What could not be written was not taken on: each may be started again. */
const giveUp = (context: AgentContext, market: Address, { starts, attempts }: Taken, problem: Problem): void => {
  if (starts === null) return
  const fences = context.book.jobs.get(starts.batch.job)?.fences
  for (const { index, fence } of starts.batch.tasks) if (fences?.get(index) === fence) fences.delete(index)
  const held = attempts.filter((attempt) => context.book.attempts.get(attempt.id) === attempt)
  for (const attempt of held) dropAttempt(context, attempt)
  // Nothing of it lies in the journal, but what was written of it later may.
  context.writeAlong(releaseStarts(context.book, starts))
  if (held.length === 0) return
  context.markets.send(market, { type: 'failures', failures: held.map(({ id }) => ({ attempt: id, problem })) })
}
