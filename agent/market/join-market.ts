import { MusterError, type Address, type DialMarket, type MarketPeer } from '@muster/protocol'
import { askTranscriptAgain } from '../auction/want-transcript.ts'
import type { AgentContext } from '../context.ts'
import { sendNotice } from '../lease/return-leases.ts'
import { keepLinked } from '../link/keep-linked.ts'
import { serveMarket } from './serve-market.ts'

/**
 * Keeps the agent linked to one market until `signal` aborts. After each linking the market is told all it may have missed.
 * Rejects where there is no use in dialling again: `link_superseded`, `signature_invalid`, `forbidden`.
 */
export const joinMarket = (
  context: AgentContext,
  market: Address,
  dial: DialMarket,
  nextEpoch: (atLeast: number) => Promise<number>,
  signal: AbortSignal,
): Promise<void> => {
  const { world, markets, log, signer } = context
  let current: MarketPeer | null = null

  const onLinked = (peer: MarketPeer): void => {
    if (signal.aborted) return
    current = peer
    markets.linked(market, peer)
    context.offers.publish(market)
    context.offers.changed()
    sendNotice(context, market)
    context.wants.repeat(market)
    context.outbox.resend(market, true)
    askTranscriptAgain(context, market)
    log.info('ready', { provider: signer.address, market })
  }

  const onUnlinked = (reason: string | MusterError): void => {
    if (current !== null) markets.unlinked(market, current)
    current = null
    if (signal.aborted) return
    context.offers.changed()
    if (reason instanceof MusterError) log.warn('the market cannot be reached', { market, error: reason })
    else log.warn('the link to the market is gone; running work runs on', { market, reason })
  }

  return keepLinked(
    { dial, nextEpoch, handlers: serveMarket(context, market), onLinked, onUnlinked },
    { world, signal },
  )
}
