import type { Address, AuctionId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { forgetAuction } from './forget-bid.ts'

/** A transcript that does not come by then does not come. */
const answerMs = 30_000

/** Asks a linked market for the next transcript, one at a time: they may be large. */
export const askNextTranscript = (context: AgentContext, market: Address): void => {
  const { bids, markets, world, log } = context
  if (bids.asked.has(market) || !markets.isLinked(market)) return
  const [auction] = bids.wanted.get(market) ?? []
  if (auction === undefined) return
  const timer = world.after(answerMs, () => {
    bids.asked.delete(market)
    // Nobody can answer over a link that is gone: it is asked again over the next one.
    if (markets.isLinked(market)) {
      log.warn('a market does not show how an auction was decided', { market, auction })
      forgetAuction(context, market, auction)
    }
    askNextTranscript(context, market)
  })
  bids.asked.set(market, { auction, timer })
  markets.send(market, { type: 'want-transcript', auction })
}

/** Looks at the transcript of an auction as soon as the market gives it. */
export const wantTranscript = (context: AgentContext, market: Address, auction: AuctionId): void => {
  const { wanted } = context.bids
  wanted.set(market, (wanted.get(market) ?? new Set()).add(auction))
  askNextTranscript(context, market)
}

/** Over a new link: nobody answers what was asked over the one before. */
export const askTranscriptAgain = (context: AgentContext, market: Address): void => {
  const { asked } = context.bids
  asked.get(market)?.timer.cancel()
  asked.delete(market)
  askNextTranscript(context, market)
}
