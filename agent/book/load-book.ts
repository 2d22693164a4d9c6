import { digestOf, MusterError, parseAttemptId, toProblem, type AttemptId, type Cid } from '@muster/protocol'
import { newAttempt } from '../attempt/start-attempts.ts'
import { pumpLease } from '../attempt/pump-lease.ts'
import type { AgentContext } from '../context.ts'
import {
  forgetAttempt,
  forgetFences,
  forgetReservation,
  put,
  type AttemptRecord,
  type JournalChange,
  type JournalRecord,
  type ReservationRecord,
} from '../journal/journal-record.ts'
import { holdLease } from '../lease/accept-lease.ts'
import { expireReservation } from '../reservation/expire-reservation.ts'
import { holdSlots } from '../reservation/hold-slots.ts'
import { heldUntil } from '../simulated-bug.ts'
import type { HeldAttempt, HeldReservation } from './book.ts'

/** Takes up a reservation or lease that is still in force; gives up the others. */
const loadReservation = (context: AgentContext, record: ReservationRecord): JournalChange[] => {
  const { reservation, lease, runtime } = record
  const until = lease === null ? heldUntil(context.options.bugs, reservation.record.expiresAt) : lease.record.paidUntil
  if (until <= context.world.now()) return [forgetReservation(record.id)]
  const held: HeldReservation = {
    signed: reservation,
    digest: digestOf(reservation.record),
    runtime,
    lease: null,
    timer: null,
  }
  try {
    holdSlots(context, held, until)
  } catch (error) {
    if (!(error instanceof MusterError)) throw error
    context.log.warn('a promise of before does not fit this machine any more', { reservation: record.id, error })
    return [forgetReservation(record.id)]
  }
  if (lease === null) expireReservation(context, held, until)
  else holdLease(context, lease, held)
  return []
}

const hasBlobs = async ({ blobs }: AgentContext, cids: readonly Cid[]): Promise<boolean> => {
  for (const cid of cids) if ((await blobs.read(cid)) === undefined) return false
  return true
}

const leaseClosed = (record: AttemptRecord): MusterError =>
  new MusterError({
    code: 'lease_closed',
    message: 'The lease was over when this agent came back.',
    facts: { lease: record.start.lease },
  })

const outputsLost = (id: AttemptId): MusterError =>
  new MusterError({
    code: 'blob_missing',
    message: 'The outputs of this attempt were lost with the agent.',
    facts: { attempt: id },
    fault: 'machine',
    retry: 'now',
  })

/**
 * Takes up an attempt: reported on where its outcome is known and its outputs are here; run again where it was not
 * finished and its lease is still held; reported as failed otherwise.
 */
const loadAttempt = async (context: AgentContext, record: AttemptRecord): Promise<JournalChange[]> => {
  const { book, blobs } = context
  const name = parseAttemptId(record.id)
  if (name === undefined) return [forgetAttempt(record.id)]
  const attempt: HeldAttempt = newAttempt(record.market, record.start, name)
  attempt.isDurable = true
  book.attempts.set(attempt.id, attempt)
  context.logBook.open(attempt.id, record.market)
  const { outcome } = record
  const outputs = outcome?.type === 'claimed' ? outcome.claim.outputs : []
  if (
    outcome !== null &&
    (await hasBlobs(
      context,
      outputs.map(({ cid }) => cid),
    ))
  ) {
    attempt.phase = 'reported'
    attempt.outcome = outcome
    attempt.outputs = outputs.map(({ name: outputName, cid }) => ({ name: outputName, cid, bytes: null }))
    for (const { cid } of outputs) blobs.pin(cid)
    return []
  }
  const lease = book.leases.get(record.start.lease)
  const isNewest = (book.fences.get(name.job)?.get(name.index) ?? 0) <= name.fence
  if (lease !== undefined && isNewest) {
    context.logBook.add(attempt.id, 'run again after the agent came back')
    lease.queue.add(attempt)
    return outcome === null ? [] : [put({ ...record, outcome: null })]
  }
  attempt.phase = 'ended'
  attempt.ending = { problem: toProblem(outcome === null ? leaseClosed(record) : outputsLost(record.id)) }
  context.outbox.add(attempt)
  return []
}

/** Rebuilds the book from the journal: promises still in force are kept, work is resumed, and what is over is forgotten. */
export const loadBook = async (context: AgentContext, records: readonly JournalRecord[]): Promise<void> => {
  const { book } = context
  const changes: JournalChange[] = []
  for (const record of records) if (record.kind === 'reservation') changes.push(...loadReservation(context, record))
  const jobs = new Set([...book.leases.values()].map(({ signed }) => signed.record.job))
  for (const record of records) {
    if (record.kind !== 'fences') continue
    if (!jobs.has(record.job)) {
      changes.push(forgetFences(record.id))
      continue
    }
    const fences = book.fences.get(record.job) ?? new Map<number, number>()
    for (const { index, fence } of record.tasks) fences.set(index, Math.max(fence, fences.get(index) ?? 0))
    book.fences.set(record.job, fences)
    book.fenceRecords.set(record.job, [...(book.fenceRecords.get(record.job) ?? []), record.id])
  }
  for (const record of records) if (record.kind === 'attempt') changes.push(...(await loadAttempt(context, record)))
  await context.write(changes)
}

/** Runs on what the book holds. */
export const resumeWork = (context: AgentContext): void => {
  for (const lease of context.book.leases.values()) pumpLease(context, lease)
}
