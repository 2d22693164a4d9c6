import {
  checkLeaseAward,
  commitmentOf,
  digestOf,
  verifyTranscript,
  type Address,
  type AuctionId,
  type MarketMessage,
  type SignedTranscript,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import { keepNewest, type AuctionProof, type HeldBid } from './bids.ts'
import { forgetAuction } from './forget-bid.ts'
import { keepProof } from './keep-proof.ts'
import { askNextTranscript } from './want-transcript.ts'

/** Transcripts kept until the lease comes, of megabytes each; the lease of one that is not kept is held against it as it is asked for again. */
const mostRead = 8

const checkOwn = (context: AgentContext, bid: HeldBid, transcript: SignedTranscript): void => {
  const { closing, bids } = transcript.record
  const { market, auction } = bid
  const keep = (breach: AuctionProof['breach'], message: string, shown: Partial<AuctionProof> = {}): void =>
    keepProof(context, market, auction, { breach, message, transcript, ...shown })
  const own = bids.find((each) => digestOf(commitmentOf(closing.record, each)) === digestOf(bid.commitment.record))
  if (bid.closing !== null && digestOf(bid.closing.record) !== digestOf(closing.record)) {
    const message = 'The transcript rests on another closing list than was shown.'
    return keep('two-lists', message, { secondClosing: closing })
  }
  if (own === undefined) {
    if (bid.acknowledgement === null) return
    return keep('excluded', 'A bid that the market acknowledged is not in its closing list.')
  }
  if (!bid.isOpened) return
  const isAsMade =
    own.reveal !== null &&
    own.reveal.salt === bid.salt &&
    digestOf(own.reveal.reservation.record) === bid.reservation.digest
  if (isAsMade) return
  if (own.reveal !== null) return keep('altered', 'The bid in the transcript is not the one that was made.')
  // It may have come too late by the market's clock, which nobody can prove or disprove.
  context.log.warn('the market says that a bid of ours was not opened', { market, auction })
}

/** Holds the lease that came of a bid against what the rule gives it; one that is still to come is held against it then. */
const checkLease = (context: AgentContext, market: Address, transcript: SignedTranscript): void => {
  const { bids, book } = context
  const { auction } = transcript.record
  const lease = bids.leases.get(auction)
  if (lease?.record.market !== market) {
    const reservation = bids.held.get(auction)?.reservation
    const isHeld = reservation !== undefined && book.byDigest.get(reservation.digest) === reservation
    if (isHeld && reservation.lease === null) keepNewest(bids.read, auction, transcript, mostRead)
    return
  }
  const { holds, found } = checkLeaseAward(transcript.record, lease.record)
  if (holds) return
  const message = `The lease is not what was won: ${found}.`
  keepProof(context, market, auction, { breach: 'other-lease', message, transcript, lease })
}

/** Runs the rule of an auction we bid in again, and keeps the proof where the market did not follow it. */
const checkAuction = (
  context: AgentContext,
  market: Address,
  auction: AuctionId,
  transcript: SignedTranscript,
): void => {
  if (transcript.record.auction !== auction) return
  const domain = domainOf(context, market)
  if (context.verifier.signerOf(domain, transcript) !== market) {
    context.log.warn('a transcript is not signed by its market', { market, auction })
    return
  }
  const bid = context.bids.held.get(auction)
  if (bid !== undefined) checkOwn(context, bid, transcript)
  const failed = verifyTranscript(context.verifier, domain, transcript).find(({ holds }) => !holds)
  if (failed !== undefined) {
    const message = `Not so: ${failed.name}; ${failed.found}.`
    keepProof(context, market, auction, { breach: 'unfair', message, transcript })
  }
  checkLease(context, market, transcript)
}

/** The answer to `want-transcript`. */
export const hearTranscript = (
  context: AgentContext,
  market: Address,
  { auction, transcript }: Extract<MarketMessage, { type: 'transcript' }>,
): void => {
  const { bids } = context
  const asked = bids.asked.get(market)
  if (asked?.auction !== auction) return
  asked.timer.cancel()
  bids.asked.delete(market)
  if (transcript !== null) checkAuction(context, market, auction, transcript)
  else if (bids.leases.has(auction))
    context.log.warn('a market has no transcript of an auction that it made a lease of', { market, auction })
  forgetAuction(context, market, auction)
  askNextTranscript(context, market)
}
