import {
  digestOf,
  kindAsked,
  mostWindowMs,
  MusterError,
  sealOf,
  signRecord,
  toHex,
  type Address,
  type LinkRequest,
  type LinkResponse,
  type Offer,
  type Price,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import { utilisationOf } from '../offer/standing-prices.ts'
import { quote } from '../price/quote.ts'
import { admitOrder, bindSlots, requireHeld } from '../reservation/reserve.ts'
import { slotsLeft } from '../reservation/slots-left.ts'
import type { HeldBid } from './bids.ts'
import { forgetBid } from './forget-bid.ts'
import { wantTranscript } from './want-transcript.ts'

type Solicitation = LinkRequest<'solicit'>

/** Bids kept at once, those included whose auction is still to be looked at; each market has its share of them. */
const mostBids = 4_096

const heldFor = ({ bids }: AgentContext, market: Address): number => {
  let held = 0
  for (const bid of bids.held.values()) if (bid.market === market) held++
  return held
}

const answerOf = ({ commitment, reservation }: HeldBid): LinkResponse<'solicit'> => ({
  commitment,
  reservation: reservation.signed.record.id,
})

const refuse = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts, fault: 'market' })

/** What the pricing policy asks for this very order. Throws `forbidden`: the agent does not bid, and its offers stand. */
const priceOf = (
  context: AgentContext,
  market: Address,
  { order: { record: order } }: Solicitation,
  { resources, gpus }: Offer,
  slots: number,
): Price => {
  const { pricing, world } = context
  const made = quote(pricing.policy(), {
    order: {
      tenant: order.tenant,
      tenantRegion: null,
      runtime: order.runtime,
      unit: order.maxPrice.per,
      lease: kindAsked(order),
      resources,
      gpuModels: [...new Set(gpus.map(({ model }) => model))],
      maxNanoUsd: order.maxPrice.nanoUsd,
    },
    slots,
    utilisation: utilisationOf(context),
    market,
    at: world.now(),
  })
  if (made.price !== null) return made.price
  const { reason, message, found } = made.refusal
  throw new MusterError({ code: 'forbidden', message, facts: { reason, found } })
}

const requireTerms = (context: AgentContext, market: Address, { order: { record }, windowMs }: Solicitation): void => {
  if (record.auction === undefined)
    throw refuse('This order asks for no sealed bids; reserve for it.', { order: record.id })
  if (windowMs > mostWindowMs)
    throw refuse('This auction takes longer than any may.', { expected: mostWindowMs, found: windowMs })
  const most = Math.ceil(mostBids / Math.max(1, context.markets.linkedCount))
  if (heldFor(context, market) >= most)
    throw new MusterError({
      code: 'rate_limited',
      message: 'This agent has too many sealed bids.',
      facts: { expected: most },
      fault: 'market',
    })
}

/**
 * Answers a solicitation with a sealed bid: prices the order by the pricing policy, holds the slots as a reservation that lasts past the
 * close, and commits to it. Fewer slots than asked for are bid where there are no more. The same auction again gives the same bid.
 * Throws `forbidden` where the policy does not serve the order or asks more than it pays, and what `admitOrder` and `bindSlots` throw.
 */
export const answerSolicitation = async (
  context: AgentContext,
  market: Address,
  request: Solicitation,
): Promise<LinkResponse<'solicit'>> => {
  const { bids, world, options, signer } = context
  const known = bids.held.get(request.auction)
  if (known !== undefined && known.market === market) return answerOf(known)
  if (known !== undefined) throw refuse('This auction is of another market.', { auction: request.auction })
  requireTerms(context, market, request)
  const now = world.now()
  const slots = Math.max(1, Math.min(request.slots, slotsLeft(context, market, now)))
  const { order, offer: offerId } = request
  const admitted = admitOrder(context, market, { order, offer: offerId, slots }, now)
  const price = priceOf(context, market, request, admitted.offer, slots)
  const ttlMs = request.windowMs + Math.min(request.holdMs, options.maxReservationTtlMs)
  const { auction } = request
  const bound = { ...admitted, price, ttlMs, now, auction }
  const held = await bindSlots(context, market, { order, offer: offerId, slots }, bound)
  const reservation = requireHeld(context, held)
  const orderDigest = digestOf(order.record)
  const salt = toHex(world.random(32))
  const provider = signer.address
  const seal = sealOf({ auction, order: orderDigest, provider, reservation: digestOf(reservation.record), salt })
  const commitment = signRecord(signer, domainOf(context, market), {
    kind: 'commitment',
    market,
    auction,
    order: orderDigest,
    provider,
    seal,
  } as const)
  bids.held.set(auction, {
    auction,
    market,
    order,
    reservation: held,
    salt,
    commitment,
    closesAt: request.closesAt,
    acknowledgement: null,
    closing: null,
    isOpened: false,
    isOver: false,
    timer: world.after(ttlMs, () => {
      const bid = bids.held.get(auction)
      if (bid === undefined || bid.isOver) return
      // Whoever was told that the bid arrived, and nothing since, looks whether there was an auction without it.
      if (bid.acknowledgement === null && !bids.leases.has(auction)) forgetBid(context, bid)
      else wantTranscript(context, market, auction)
    }),
  })
  return { commitment, reservation: reservation.record.id }
}
