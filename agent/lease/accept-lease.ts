import {
  digestOf,
  MusterError,
  stepCapacity,
  type Address,
  type Amendment,
  type LinkRequest,
  type Signed,
  type SignedLease,
} from '@muster/protocol'
import { orderKey, type HeldAttempt, type HeldLease, type HeldReservation } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { put } from '../journal/journal-record.ts'
import { auditLease } from '../auction/audit-lease.ts'
import { startAttempts } from '../attempt/start-attempts.ts'
import { checkLease } from './check-lease.ts'
import { endLease } from './end-lease.ts'
import { watchEnd } from './watch-end.ts'

/** Enters a lease into the book, with its last amendments: its reservation's slots are taken until it ends. */
export const holdLease = (
  context: AgentContext,
  signed: SignedLease,
  held: HeldReservation,
  amendments: readonly Signed<Amendment>[] = [],
): HeldLease => {
  const { book, world } = context
  const { id } = signed.record
  const key = orderKey(held.signed.record.order, held.signed.record.offer)
  const { slots, until } = amendments.at(-1)?.record ?? { slots: signed.record.slots, until: signed.record.paidUntil }
  book.capacity = stepCapacity(
    book.capacity,
    { type: 'leased', reservation: held.signed.record.id, lease: id, until, slots },
    world.now(),
  )
  const work = { queue: new Set<HeldAttempt>(), running: new Set<HeldAttempt>() }
  const lease: HeldLease = { signed, reservation: held, ...work, slots, until, amendments, returning: null }
  held.lease = lease
  if (book.byOrder.get(key) === held) book.byOrder.delete(key)
  book.leases.set(id, lease)
  watchEnd(context, lease)
  return lease
}

const reservationOver = (request: LinkRequest<'open-lease'>): MusterError =>
  new MusterError({
    code: 'reservation_expired',
    message: 'This reservation is not held any more; reserve again.',
    facts: { reservation: request.reservation },
  })

/** Fences are kept by job, so a job belongs to one market as long as it holds a lease here. */
const requireOwnJob = ({ book }: AgentContext, market: Address, { record }: SignedLease): void => {
  for (const { signed } of book.leases.values()) {
    if (signed.record.job !== record.job || signed.record.market === market) continue
    throw new MusterError({
      code: 'conflict',
      message: 'A job with this id is held for another market.',
      facts: { job: record.job },
      fault: 'market',
      retry: 'never',
    })
  }
}

/** Handed to the journal in the same turn as the lease, so that one write holds both. */
const startFirst = (context: AgentContext, market: Address, { first, lease }: LinkRequest<'open-lease'>): void => {
  if (first === null) return
  startAttempts(context, market, first).catch((error: unknown) => {
    if (!context.signal.aborted)
      context.log.error('the first attempts of a lease failed', { lease: lease.record.id, error })
  })
}

/**
 * Turns a reservation into a lease; durable before it is answered, and the same lease again is the same answer. Takes its
 * first attempts on as `startAttempts` does.
 * Throws `reservation_expired`, `conflict`, what `checkLease` throws, and `disk_full` where it could not be written.
 */
export const acceptLease = async (
  context: AgentContext,
  market: Address,
  request: LinkRequest<'open-lease'>,
): Promise<void> => {
  const { book, world } = context
  const { record } = request.lease
  const known = book.leases.get(record.id)
  if (known !== undefined) {
    if (digestOf(known.signed.record) === digestOf(record)) {
      startFirst(context, market, request)
      return context.write([])
    }
    throw new MusterError({
      code: 'conflict',
      message: 'Another lease with this id is open.',
      facts: { lease: record.id },
      fault: 'market',
      retry: 'never',
    })
  }
  const now = world.now()
  const held = book.byDigest.get(request.reservation)
  if (held === undefined || held.lease !== null || held.signed.record.market !== market) throw reservationOver(request)
  checkLease(context, market, request.lease, held, now)
  requireOwnJob(context, market, request.lease)
  const lease = holdLease(context, request.lease, held)
  auditLease(context, held, request.lease)
  context.marketRecords.note(market, 'leased')
  context.offers.changed()
  const { id } = held.signed.record
  const written = context.write([
    put({ kind: 'reservation', id, reservation: held.signed, runtime: held.runtime, lease: request.lease }),
  ])
  startFirst(context, market, request)
  try {
    await written
  } catch (error) {
    context.writeLater(endLease(context, lease, 'closed'))
    throw error
  }
}
