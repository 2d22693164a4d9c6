import {
  digestOf,
  maxCountedReservations,
  MusterError,
  newId,
  requireFree,
  signRecord,
  termBetween,
  type Address,
  type AuctionId,
  type LinkRequest,
  type Offer,
  type OfferId,
  type Price,
  type Reservation,
  type SignedReservation,
} from '@muster/protocol'
import { heldAuction, orderKey, type HeldReservation } from '../book/book.ts'
import { domainOf, type AgentContext } from '../context.ts'
import { put } from '../journal/journal-record.ts'
import { checkDemand, checkOrder, checkTerm, slotsAsked } from './check-order.ts'
import { checkPolicy } from './check-policy.ts'
import { expireReservation } from './expire-reservation.ts'
import { freeSlots, holdSlots } from './hold-slots.ts'
import { slotsLeft, slotsUnsold } from './slots-left.ts'

/** Reservations without a lease that this market may hold at once: its share of all where others are linked. */
const reservationsOf = ({ book, markets, options }: AgentContext, market: Address): { held: number; most: number } => {
  let held = 0
  for (const { signed, lease } of book.reservations.values())
    if (lease === null && signed.record.market === market) held++
  return { held, most: Math.ceil(options.maxReservations / Math.max(1, markets.linkedCount)) }
}

const requireOpenDoor = (context: AgentContext, market: Address): void => {
  const { book } = context

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
  if (context.maintenance.isUnder()) {
    throw new MusterError({
      code: 'capacity_taken',
      message: 'This machine is under maintenance.',
      facts: { found: 0, ...context.maintenance.windows()[0] },
    })
  }
  const { held, most } = reservationsOf(context, market)
  if (held >= most || book.reservations.size >= maxCountedReservations) {
    throw new MusterError({
      code: 'rate_limited',
      message: 'This agent has too many reservations.',
      facts: { maxReservations: most },
      fault: 'market',
    })
  }
}

const requireSlots = (context: AgentContext, market: Address, slots: number, now: number): void => {
  const left = slotsLeft(context, market, now)
  if (slots <= left) return
  if (slotsUnsold(context, now) >= slots) context.marketRecords.note(market, 'turned-away')
  throw new MusterError({
    code: 'capacity_taken',
    message: 'This agent has fewer slots left than that.',
    facts: { expected: slots, found: left },
  })
}

const requireOffer = ({ offers }: AgentContext, market: Address, request: { readonly offer: OfferId }, now: number) => {
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
export const requireHeld = ({ book }: AgentContext, held: HeldReservation): SignedReservation => {
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
  const { book, world, options } = context
  const now = world.now()
  if (request.order.record.auction !== undefined) throw sealedOnly(request)
  const order = digestOf(request.order.record)
  const known = book.byOrder.get(orderKey(order, request.offer))
  if (known !== undefined && known.signed.record.market === market) {
    await context.write([])
    return requireHeld(context, known)
  }
  const admitted = admitOrder(context, market, request, now)
  const ttlMs = Math.min(request.ttlMs, options.maxReservationTtlMs)
  const held = await bindSlots(context, market, request, { ...admitted, price: admitted.offer.price, ttlMs, now })
  return requireHeld(context, held)
}

/** A sealed order is answered by a sealed bid only, or its price would be known before the close. */
const sealedOnly = ({ order }: LinkRequest<'reserve'>): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: 'This order asks for sealed bids; solicit one.',
    facts: { order: order.record.id },
    fault: 'market',
  })

/** What is asked of an agent in an order. */
type Asked = Pick<LinkRequest<'reserve'>, 'order' | 'offer' | 'slots' | 'resize'>

/** The offer and the GPUs that serve this many slots of an order. Throws why the agent does not serve it: see `reserve`. */
export const admitOrder = (
  context: AgentContext,
  market: Address,
  request: Asked,
  now: number,
): { readonly offer: Offer; readonly gpus: readonly string[] } => {
  requireOpenDoor(context, market)
  const offer = requireOffer(context, market, request, now)
  checkDemand(request.order, offer, request.slots, slotsAsked(context, market, request.order, request.resize))
  checkTerm(request.order, { ...offer, maintenance: [...context.maintenance.windows()] }, now)
  requireSlots(context, market, request.slots, now)
  const gpus = requireFree(context.book.capacity, request.slots, offer.resources, now)
  checkOrder(context, market, request.order, now)
  checkPolicy(context, market, request.order)
  return { offer, gpus }
}

/** Holds what was admitted at a price; durable when it resolves. Rejects with `disk_full` where it could not be written. */
export const bindSlots = async (
  context: AgentContext,
  market: Address,
  { order, slots }: Asked,
  bound: {
    readonly offer: Offer
    readonly gpus: readonly string[]
    readonly price: Price
    readonly ttlMs: number
    readonly now: number
    /** Where it is a sealed bid. */
    readonly auction?: AuctionId
  },
): Promise<HeldReservation> => {
  const { world, signer } = context
  const { offer, gpus, price, ttlMs, now, auction } = bound
  const term = termBetween(order.record, offer)
  const record: Reservation = {
    kind: 'reservation',
    id: newId(world, 'reservation'),
    market,
    provider: signer.address,
    order: digestOf(order.record),
    offer: offer.id,
    slots,
    resources: offer.resources,
    gpus: [...gpus],
    price,
    ...(term === undefined ? {} : { term }),
    issuedAt: now,
    expiresAt: now + ttlMs,
  }
  const signed = signRecord(signer, domainOf(context, market), record)
  const held: HeldReservation = {
    signed,
    digest: digestOf(record),
    runtime: order.record.runtime,
    windowMs: order.record.auction?.windowMs ?? 0,
    auction: heldAuction(auction),
    lease: null,
    timer: null,
  }
  holdSlots(context, held, record.expiresAt)
  context.offers.changed()
  try {
    const kept = { id: record.id, reservation: signed, runtime: held.runtime, lease: null }
    await context.write([put({ kind: 'reservation', ...kept, ...(auction === undefined ? {} : { auction }) })])
  } catch (error) {
    freeSlots(context, held)
    throw error
  }
  expireReservation(context, held, record.expiresAt)
  return held
}
