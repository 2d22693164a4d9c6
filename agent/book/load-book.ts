import { digestOf, MusterError, stepCapacity } from '@muster/protocol'
import { auditLease } from '../auction/audit-lease.ts'
import { pumpLease } from '../attempt/pump-lease.ts'
import type { AgentContext } from '../context.ts'
import {
  forgetFences,
  forgetReservation,
  type JournalChange,
  type JournalRecord,
  type ReservationRecord,
} from '../journal/journal-record.ts'
import { holdLease } from '../lease/accept-lease.ts'
import { expireReservation } from '../reservation/expire-reservation.ts'
import { holdSlots } from '../reservation/hold-slots.ts'
import { countsAfterRestart, heldUntil } from '../simulated-bug.ts'
import { heldAuction, heldJob, isLeased, type Book, type HeldReservation } from './book.ts'
import { loadAttempts } from './load-attempts.ts'

/** Planted: the book forgets that slots are taken. */
const leakSlots = ({ book, world }: AgentContext, { signed }: HeldReservation): void => {
  const event = { type: 'released', reservation: signed.record.id } as const
  book.capacity = stepCapacity(book.capacity, event, world.now())
}

/** Takes up a reservation or lease that is still in force; gives up the others. */
const loadReservation = (context: AgentContext, record: ReservationRecord): JournalChange[] => {
  const { reservation, lease, runtime, amendments = [] } = record
  const amended = amendments.at(-1)?.record
  const until =
    lease === null
      ? heldUntil(context.options.bugs, reservation.record.expiresAt)
      : (amended?.until ?? lease.record.paidUntil)
  if (until <= context.world.now()) return [forgetReservation(record.id)]
  const held: HeldReservation = {
    signed: reservation,
    digest: digestOf(reservation.record),
    runtime,
    windowMs: 0,
    auction: heldAuction(lease?.record.auction?.id ?? record.auction),
    lease: null,
    timer: null,
  }
  try {
    holdSlots(context, held, until, amended?.slots ?? lease?.record.slots)
  } catch (error) {
    if (!(error instanceof MusterError)) throw error
    context.log.warn('a promise of before does not fit this machine any more', { reservation: record.id, error })
    return [forgetReservation(record.id)]
  }
  if (lease === null) expireReservation(context, held, until)
  else {
    holdLease(context, lease, held, amendments)
    auditLease(context, held, lease)
  }
  const isFirst = reservation.record.market === context.markets.addresses[0]
  if (!countsAfterRestart(context.options.bugs, isFirst)) leakSlots(context, held)
  return []
}

const raise = (fences: Map<number, number>, index: number, fence: number): void => {
  if (fence > (fences.get(index) ?? 0)) fences.set(index, fence)
}

/** The fences that attempts taken on here brought, and those that were noted besides; without a lease none can be met again. */
const loadFences = (book: Book, records: readonly JournalRecord[]): JournalChange[] => {
  const changes: JournalChange[] = []
  for (const record of records) {
    if (record.kind === 'starts') {
      const { fences } = heldJob(book, record.batch.job)
      for (const { index, fence } of record.batch.tasks) raise(fences, index, fence)
    }
    if (record.kind !== 'fences') continue
    if (!isLeased(book, record.job)) {
      changes.push(forgetFences(record.id))
      continue
    }
    const { fences, fenceRecords } = heldJob(book, record.job)
    for (const { index, fence } of record.tasks) raise(fences, index, fence)
    fenceRecords.push(record.id)
  }
  return changes
}

/** Rebuilds the book from the journal: promises still in force are kept, work is resumed, and what is over is forgotten. */
export const loadBook = async (context: AgentContext, records: readonly JournalRecord[]): Promise<void> => {
  const changes: JournalChange[] = []
  for (const record of records) if (record.kind === 'market') context.marketRecords.load(record.id, record.record)
  for (const record of records) if (record.kind === 'reservation') changes.push(...loadReservation(context, record))
  changes.push(...loadFences(context.book, records), ...(await loadAttempts(context, records)))
  await context.write(changes)
}

/** Runs on what the book holds. */
export const resumeWork = (context: AgentContext): void => {
  for (const lease of context.book.leases.values()) pumpLease(context, lease)
}
