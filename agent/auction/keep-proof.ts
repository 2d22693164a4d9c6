import type { SignedClosing, SignedTranscript } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { AuctionProof, HeldBid } from './bids.ts'

/** Keeps what shows that the market broke the rule, and says so in the log. */
export const keepProof = (
  context: AgentContext,
  bid: HeldBid,
  breach: AuctionProof['breach'],
  message: string,
  shown: { readonly transcript?: SignedTranscript; readonly second?: SignedClosing } = {},
): void => {
  const { auction, market, commitment, acknowledgement, closing } = bid
  context.onBreach({
    chainId: context.options.chainId,
    auction,
    breach,
    message,
    commitment,
    acknowledgement,
    closing,
    secondClosing: shown.second ?? null,
    transcript: shown.transcript ?? null,
  })
  context.log.error('a market did not run an auction by its rule', { market, auction, breach, message })
}
