import type { AgentContext } from '../context.ts'
import type { HeldBid } from './bids.ts'

/** What is left to know of a bid is known, or will not be. Its reservation goes its own way. */
export const forgetBid = ({ bids }: Pick<AgentContext, 'bids'>, bid: HeldBid): void => {
  bid.timer?.cancel()
  bid.timer = null
  if (bids.held.get(bid.auction) === bid) bids.held.delete(bid.auction)
  bids.wanted.get(bid.market)?.delete(bid.auction)
}
