import {
  closingLeaf,
  digestOf,
  merkleRoot,
  mostBidders,
  MusterError,
  type Address,
  type LinkRequest,
  type LinkResponse,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import { requireHeld } from '../reservation/reserve.ts'
import { keepProof } from './keep-proof.ts'

const refuse = (code: 'conflict' | 'record_invalid', message: string, facts: Readonly<Record<string, unknown>>) =>
  new MusterError({ code, message, facts, fault: 'market', retry: 'never' })

/**
 * Opens a sealed bid, once the market has bound itself to all bids by a signed list that holds this one. Asked again with the same list
 * it answers the same. Throws `not_found` for a bid that is not held, `record_invalid` for a list that is not of this auction or leaves
 * the bid out or is of too many, `conflict` for a second list (kept as a proof), `signature_invalid`, `reservation_expired`.
 */
export const revealBid = async (
  context: AgentContext,
  market: Address,
  { closing, path }: LinkRequest<'reveal'>,
): Promise<LinkResponse<'reveal'>> => {
  const { record } = closing
  const bid = context.bids.held.get(record.auction)
  if (bid === undefined || bid.market !== market) {
    throw new MusterError({
      code: 'not_found',
      message: 'This agent holds no bid in this auction.',
      facts: { auction: record.auction },
    })
  }
  context.verifier.requireSigner(domainOf(context, market), closing, market)
  if (record.order !== bid.commitment.record.order || record.market !== market)
    throw refuse('record_invalid', 'This closing list is of another order.', { auction: record.auction })
  if (bid.closing !== null && digestOf(bid.closing.record) !== digestOf(record)) {
    keepProof(context, market, record.auction, {
      breach: 'two-lists',
      message: 'The market signed two closing lists of one auction.',
      secondClosing: closing,
    })
    throw refuse('conflict', 'Another closing list of this auction was shown before.', { auction: record.auction })
  }
  if (merkleRoot(closingLeaf(bid.commitment.record), path) !== record.root)
    throw refuse('record_invalid', 'This closing list does not hold the bid of this agent.', {
      auction: record.auction,
    })
  if (record.count > mostBidders)
    throw refuse('record_invalid', 'This closing list is of more bids than an auction asks for.', {
      expected: mostBidders,
      found: record.count,
    })
  if (record.closedAt < bid.closesAt)
    throw refuse('record_invalid', 'This auction was closed before its time.', {
      expected: bid.closesAt,
      found: record.closedAt,
    })
  const reservation = requireHeld(context, bid.reservation)
  bid.closing = closing
  bid.isOpened = true
  return { reservation, salt: bid.salt }
}
