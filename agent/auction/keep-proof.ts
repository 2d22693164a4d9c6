import type { Address, AuctionId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { AuctionProof } from './bids.ts'

/** Keeps what shows that the market broke the rule of an auction, with what is known of our bid in it, and says so in the log. */
export const keepProof = (
  context: AgentContext,
  market: Address,
  auction: AuctionId,
  shown: Pick<AuctionProof, 'breach' | 'message'> & Partial<AuctionProof>,
): void => {
  const bid = context.bids.held.get(auction)
  context.onBreach({
    chainId: context.options.chainId,
    auction,
    commitment: bid?.commitment ?? null,
    acknowledgement: bid?.acknowledgement ?? null,
    closing: bid?.closing ?? null,
    secondClosing: null,
    transcript: null,
    lease: null,
    ...shown,
  })
  const { breach, message } = shown
  context.log.error('a market did not run an auction by its rule', { market, auction, breach, message })
}
