import { mostBidders, type Address, type MarketMessage } from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import { forgetReservation } from '../journal/journal-record.ts'
import { freeSlots } from '../reservation/hold-slots.ts'
import type { HeldBid } from './bids.ts'
import { forgetBid } from './forget-bid.ts'
import { wantTranscript } from './want-transcript.ts'

type Said<Type extends MarketMessage['type']> = Extract<MarketMessage, { type: Type }>

/** Of an auction with more bids so many look at the transcript on average, each by its own draw. */
const auditsPerAuction = 64

/** The market has the sealed bid. What is not its own word is of no use and left. */
export const hearAcknowledged = (
  context: AgentContext,
  market: Address,
  { acknowledgement }: Said<'bid-acknowledged'>,
): void => {
  const bid = context.bids.held.get(acknowledgement.record.auction)
  if (bid === undefined || bid.market !== market) return
  if (context.verifier.signerOf(domainOf(context, market), acknowledgement) !== market) return
  bid.acknowledgement = acknowledgement
}

const giveUpReservation = (context: AgentContext, { reservation, market }: HeldBid): void => {
  const { id } = reservation.signed.record
  if (reservation.lease !== null || context.book.reservations.get(id) !== reservation) return
  freeSlots(context, reservation)
  context.marketRecords.note(market, 'released')
  context.writeLater([forgetReservation(id)])
}

const isDrawn = ({ world }: AgentContext, bids: number): boolean => {
  if (bids <= auditsPerAuction) return true
  const [high = 0, low = 0] = world.random(2)
  return (high * 256 + low) / 65_536 < auditsPerAuction / bids
}

/**
 * Whether the transcript of an auction that is over is looked at: whoever has won looks for its own sake too, and there are no more winners
 * than slots. What the market signed decides, not what it says now: one that has something to hide would say that there were many bids,
 * or that there is no transcript.
 */
const isLookedAt = (
  context: AgentContext,
  { closing, acknowledgement, order, auction }: HeldBid,
  said: Said<'auction-over'>,
): boolean => {
  const hasWon = said.hasWon || context.bids.leases.has(auction)
  const alike = hasWon ? order.record.slots : mostBidders
  if (closing !== null) return isDrawn(context, Math.min(closing.record.count, alike))
  return acknowledgement !== null || (said.transcript !== null && isDrawn(context, Math.min(said.bids, alike)))
}

/** The auction is over: gives up what did not win, and has a look at how it was decided. */
export const hearAuctionOver = (context: AgentContext, market: Address, said: Said<'auction-over'>): void => {
  const bid = context.bids.held.get(said.auction)
  if (bid === undefined || bid.market !== market || bid.isOver) return
  bid.isOver = true
  if (!said.hasWon) giveUpReservation(context, bid)
  if (isLookedAt(context, bid, said)) return wantTranscript(context, market, said.auction)
  if (bid.reservation.auction !== null) bid.reservation.auction.isLeft = true
  forgetBid(context, bid)
}
