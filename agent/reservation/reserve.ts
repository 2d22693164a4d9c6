import {
  digestOf,
  maxCountedReservations,
  MusterError,
  newId,
  requireFree,
  signRecord,
  type Address,
  type LinkRequest,
  type Reservation,
  type SignedReservation,
} from '@muster/protocol'
import { orderKey, type HeldReservation } from '../book/book.ts'
import { domainOf, type AgentContext } from '../context.ts'
import { put } from '../journal/journal-record.ts'
import { checkDemand, checkOrder } from './check-order.ts'
import { checkPolicy } from './check-policy.ts'
import { expireReservation } from './expire-reservation.ts'
import { freeSlots, holdSlots } from './hold-slots.ts'
import { slotsLeft } from './slots-left.ts'

const requireOpenDoor = ({ book, options }: AgentContext): void => {
  if (book.door !== null) {
    throw new MusterError({
      code: 'capacity_taken',
      message:
        book.door === 'draining'
          ? 'This agent is shutting down.'
          : "This machine's owner needs it; it sells nothing now.",
      facts: { found: 0 },
    })
  }
  if (
    book.reservations.size - book.leases.size >= options.maxReservations ||
    book.reservations.size >= maxCountedReservations
  ) {
    throw new MusterError({
      code: 'rate_limited',
      message: 'This agent has too many reservations.',
      facts: { maxReservations: options.maxReservations },
      fault: 'market',
    })
  }
}

const requireSlots = (context: AgentContext, slots: number, now: number): void => {
  const left = slotsLeft(context, now)
  if (slots <= left) return
  throw new MusterError({
    code: 'capacity_taken',
    message: 'This agent has fewer slots left than that.',
    facts: { expected: slots, found: left },
  })
}

const requireOffer = ({ offers }: AgentContext, market: Address, request: LinkRequest<'reserve'>, now: number) => {
  const offer = offers.find(market, request.offer, now)
  if (offer !== undefined) return offer
  throw new MusterError({
    code: 'record_expired',
    message: 'This offer is not in force any more; look at the newest one.',
    facts: { offer: request.offer, now },
    retry: 'now',
  })
}

/** The answer, unless the reservation was given up while it was being written. */
const requireHeld = ({ book }: AgentContext, held: HeldReservation): SignedReservation => {
  if (book.reservations.get(held.signed.record.id) === held) return held.signed
  throw new MusterError({
    code: 'reservation_expired',
    message: 'This reservation was given up before it was answered; reserve again.',
    facts: { reservation: held.signed.record.id },
  })
}

/**
 * Binds slots to an order at the price of one of our offers: the bid. Durable before it is answered; the same order and
 * offer give the same reservation until it ends or a lease follows it. Throws `capacity_taken`, `record_expired`, `rate_limited`, what
 * `checkOrder`, `checkPolicy` and `checkDemand` throw, and `disk_full` where it could not be written.
 */
export const reserve = async (
  context: AgentContext,
  market: Address,
  request: LinkRequest<'reserve'>,
): Promise<SignedReservation> => {
  try {
    return await bind(context, market, request)
  } catch (error) {
    if (!(error instanceof MusterError && error.code === 'forbidden')) context.offers.mistaken(market)
    throw error
  }
}

const bind = async (
  context: AgentContext,
  market: Address,
  request: LinkRequest<'reserve'>,
): Promise<SignedReservation> => {
  const { book, world, options, signer } = context
  const now = world.now()
  const order = digestOf(request.order.record)
  const known = book.byOrder.get(orderKey(order, request.offer))
  if (known !== undefined && known.signed.record.market === market) {
    await context.write([])
    return requireHeld(context, known)
  }
  requireOpenDoor(context)
  const offer = requireOffer(context, market, request, now)
  checkDemand(request.order, offer, request.slots)
  requireSlots(context, request.slots, now)
  const gpus = requireFree(book.capacity, request.slots, offer.resources, now)
  checkOrder(context, market, request.order, now)
  checkPolicy(context, market, request.order)
  const record: Reservation = {
    kind: 'reservation',
    id: newId(world, 'reservation'),
    market,
    provider: signer.address,
    order,
    offer: offer.id,
    slots: request.slots,
    resources: offer.resources,
    gpus: [...gpus],
    price: offer.price,
    issuedAt: now,
    expiresAt: now + Math.min(request.ttlMs, options.maxReservationTtlMs),
  }
  const signed = signRecord(signer, domainOf(context, market), record)
  const held: HeldReservation = {
    signed,
    digest: digestOf(record),
    runtime: request.order.record.runtime,
    lease: null,
    timer: null,
  }
  holdSlots(context, held, record.expiresAt)
  context.offers.changed()
  try {
    await context.write([
      put({ kind: 'reservation', id: record.id, reservation: signed, runtime: held.runtime, lease: null }),
    ])
  } catch (error) {
    freeSlots(context, held)
    throw error
  }
  expireReservation(context, held, record.expiresAt)
  return requireHeld(context, held)
}
