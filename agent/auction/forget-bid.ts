import type { Address, AuctionId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { HeldBid } from './bids.ts'

/** What is left to know of an auction is known, or will not be. */
export const forgetAuction = ({ bids }: Pick<AgentContext, 'bids'>, market: Address, auction: AuctionId): void => {
  bids.held.get(auction)?.timer?.cancel()
  bids.held.delete(auction)
  bids.leases.delete(auction)
  bids.wanted.get(market)?.delete(auction)
}

/** Forgets a bid. Its reservation goes its own way. */
export const forgetBid = (context: Pick<AgentContext, 'bids'>, { market, auction }: HeldBid): void =>
  forgetAuction(context, market, auction)
