import {
  commitmentOf,
  digestOf,
  verifyTranscript,
  type Address,
  type MarketMessage,
  type SignedTranscript,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import type { HeldBid } from './bids.ts'
import { forgetBid } from './forget-bid.ts'
import { keepProof } from './keep-proof.ts'
import { askNextTranscript } from './want-transcript.ts'

const checkOwn = (context: AgentContext, bid: HeldBid, transcript: SignedTranscript): void => {
  const { closing, bids } = transcript.record
  const own = bids.find((each) => digestOf(commitmentOf(closing.record, each)) === digestOf(bid.commitment.record))
  if (bid.closing !== null && digestOf(bid.closing.record) !== digestOf(closing.record)) {
    return keepProof(context, bid, 'two-lists', 'The transcript rests on another closing list than was shown.', {
      transcript,
      second: closing,
    })
  }
  if (own === undefined) {
    if (bid.acknowledgement === null) return
    return keepProof(context, bid, 'excluded', 'A bid that the market acknowledged is not in its closing list.', {
      transcript,
    })
  }
  if (!bid.isOpened) return
  const isAsMade =
    own.reveal !== null &&
    own.reveal.salt === bid.salt &&
    digestOf(own.reveal.reservation.record) === bid.reservation.digest
  if (isAsMade) return
  if (own.reveal !== null) {
    return keepProof(context, bid, 'altered', 'The bid in the transcript is not the one that was made.', { transcript })
  }
  // It may have come too late by the market's clock, which nobody can prove or disprove.
  context.log.warn('the market says that a bid of ours was not opened', { market: bid.market, auction: bid.auction })
}

/** Runs the rule of an auction we bid in again, and keeps the proof where the market did not follow it. */
const checkAuction = (context: AgentContext, bid: HeldBid, transcript: SignedTranscript): void => {
  if (transcript.record.auction !== bid.auction) return
  const domain = domainOf(context, bid.market)
  if (context.verifier.signerOf(domain, transcript) !== bid.market) {
    context.log.warn('a transcript is not signed by its market', { market: bid.market, auction: bid.auction })
    return
  }
  checkOwn(context, bid, transcript)
  const failed = verifyTranscript(context.verifier, domain, transcript).find(({ holds }) => !holds)
  if (failed !== undefined)
    keepProof(context, bid, 'unfair', `Not so: ${failed.name}; ${failed.found}.`, { transcript })
}

/** The answer to `want-transcript`. */
export const hearTranscript = (
  context: AgentContext,
  market: Address,
  { auction, transcript }: Extract<MarketMessage, { type: 'transcript' }>,
): void => {
  const { bids } = context
  if (bids.asked.get(market) !== auction) return
  bids.asked.delete(market)
  const bid = bids.held.get(auction)
  if (bid !== undefined) {
    if (transcript !== null) checkAuction(context, bid, transcript)
    forgetBid(context, bid)
  }
  askNextTranscript(context, market)
}
