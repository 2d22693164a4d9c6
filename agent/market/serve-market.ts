import {
  MusterError,
  type Address,
  type AgentHandlers,
  type Cid,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
} from '@muster/protocol'
import { answerSolicitation } from '../auction/answer-solicitation.ts'
import { hearTranscript } from '../auction/check-auction.ts'
import { hearAcknowledged, hearAuctionOver } from '../auction/hear-auction.ts'
import { revealBid } from '../auction/reveal-bid.ts'
import { cancelAttempts } from '../attempt/cancel-attempts.ts'
import { listHoldings } from '../attempt/list-holdings.ts'
import { settleAttempts } from '../attempt/settle-attempts.ts'
import { startAttempts } from '../attempt/start-attempts.ts'
import { missingBlob } from '../blob/refuse-blob.ts'
import type { AgentContext } from '../context.ts'
import { acceptLease } from '../lease/accept-lease.ts'
import { amendLease } from '../lease/amend-lease.ts'
import { closeLease } from '../lease/close-lease.ts'
import { release } from '../reservation/release.ts'
import { reserve } from '../reservation/reserve.ts'

type Calls = { readonly [Call in LinkCall]: (request: LinkRequest<Call>) => Promise<LinkResponse<Call>> }

const callsOf = (context: AgentContext, market: Address): Calls => ({
  reserve: (request) => reserve(context, market, request),
  solicit: (request) => answerSolicitation(context, market, request),
  reveal: (request) => revealBid(context, market, request),
  release: async ({ reservation }) => {
    await release(context, market, reservation)
    return {}
  },
  'open-lease': async (request) => {
    await acceptLease(context, market, request)
    return {}
  },
  'amend-lease': (request) => amendLease(context, market, request),
  'close-lease': async ({ lease }) => {
    await closeLease(context, market, lease)
    return {}
  },
  holdings: () => listHoldings(context, market),
  benchmark: (request) => context.benchmarks.answer(market, request),
  logs: async ({ attempt }) => ({ lines: [...context.logBook.read(attempt, market)] }),
})

const pieceBytes = 256 * 1024

function* inPieces(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

const isOutput = ({ book }: AgentContext, market: Address, cid: Cid): boolean => {
  for (const attempt of book.attempts.values()) {
    if (attempt.market === market && attempt.outputs.some((output) => output.cid === cid)) return true
  }
  return false
}

const handleMessage = async (context: AgentContext, market: Address, message: MarketMessage): Promise<void> => {
  switch (message.type) {
    case 'start':
      return startAttempts(context, market, message)
    case 'cancel':
      return cancelAttempts(context, market, message.attempts)
    case 'settled':
      return settleAttempts(context, market, message.attempts)
    case 'blob-missing':
      return context.wants.missing(market, message.cid, message.problem)
    case 'bid-acknowledged':
      return hearAcknowledged(context, market, message)
    case 'auction-over':
      return hearAuctionOver(context, market, message)
    case 'transcript':
      return hearTranscript(context, market, message)
    case 'pong':
  }
}

/** An error of ours as it is; anything else as this machine's fault, with the details in its own log only. */
const explain = (context: AgentContext, call: LinkCall, error: unknown): MusterError => {
  if (error instanceof MusterError) return error
  context.log.error('a call failed', { call, error })
  return new MusterError({
    code: 'unavailable',
    message: 'This agent failed to answer; try another.',
    facts: { call },
    fault: 'provider',
    cause: error,
  })
}

/** What a market may ask of this agent. It reaches what it reserved, leased and started itself, and nothing of another market. */
export const serveMarket = (context: AgentContext, market: Address): AgentHandlers => {
  const calls = callsOf(context, market)
  return {
    onCall: async (call, request) => {
      if (context.signal.aborted)
        throw new MusterError({ code: 'unavailable', message: 'This agent has stopped.', fault: 'provider' })
      try {
        return await calls[call](request)
      } catch (error) {
        throw explain(context, call, error)
      }
    },
    onMessage: (message) => {
      if (context.signal.aborted) return
      handleMessage(context, market, message).catch((error: unknown) => {
        if (!context.signal.aborted) context.log.error('a message failed', { market, type: message.type, error })
      })
    },
    onPutBlob: (cid, bytes) => context.wants.receive(market, cid, bytes),
    onGetBlob: async function* (cid) {
      const shown = context.benchmarks.find(market, cid)
      if (shown !== undefined) return yield* inPieces(shown)
      if (!isOutput(context, market, cid)) throw missingBlob(cid)
      yield* context.blobs.stream(cid)
    },
  }
}
