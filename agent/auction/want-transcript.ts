import type { Address } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { HeldBid } from './bids.ts'
import { forgetBid } from './forget-bid.ts'

/** A transcript that does not come by then does not come. */
const answerMs = 30_000

/** Asks for the next transcript, one at a time: they may be large. */
export const askNextTranscript = (context: AgentContext, market: Address): void => {
  const { bids, markets } = context
  if (bids.asked.has(market)) return
  for (const auction of bids.wanted.get(market) ?? []) {
    const bid = bids.held.get(auction)
    bids.wanted.get(market)?.delete(auction)
    if (bid === undefined) continue
    bids.asked.set(market, auction)
    markets.send(market, { type: 'want-transcript', auction })
    bid.timer?.cancel()
    bid.timer = context.world.after(answerMs, () => {
      forgetBid(context, bid)
      if (bids.asked.get(market) === auction) bids.asked.delete(market)
      askNextTranscript(context, market)
    })
    return
  }
}

/** Looks at the transcript of a bid's auction as soon as the market gives it. */
export const wantTranscript = (context: AgentContext, bid: HeldBid): void => {
  const { bids } = context
  const wanted = bids.wanted.get(bid.market) ?? new Set()
  bids.wanted.set(bid.market, wanted.add(bid.auction))
  askNextTranscript(context, bid.market)
}
