import {
  MusterError,
  agentMessageSchema,
  createSigner,
  decodeCanonical,
  encodeMessage,
  linkClosed,
  loadSecp256k1,
  type AgentMessage,
  type AgentPeer,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type World,
} from '@muster/protocol'
import type { Market } from '../market.ts'

import type { ScriptedAgent, ScriptedAgentOptions, ScriptedMessage, SignedAlone } from './script.ts'
import { createScriptedPeer } from './scripted-peer.ts'
import { createScriptedPromises } from './scripted-promises.ts'
import { createScriptedWork } from './scripted-work.ts'

const secp256k1 = await loadSecp256k1()

const isSignedAlone = (message: ScriptedMessage): message is SignedAlone =>
  message.type === 'claims' && 'claims' in message

/** Each claim with a signature of its own, as a batch of one. */
const batchEach = ({ claims, blobs }: SignedAlone): AgentMessage => ({
  type: 'claims',
  batches: claims.map(({ record, signature }) => {
    if (typeof signature !== 'string') throw new TypeError('expected a signature over one record')
    return { claims: [record], signature }
  }),
  blobs: [...blobs],
})

/** An agent that follows the protocol as written, on the world of the test, except where its script says otherwise. */
export const createScriptedAgent = (world: World, options: ScriptedAgentOptions): ScriptedAgent => {
  const signer = createSigner(secp256k1, new Uint8Array(32).fill(options.key))
  const heard: MarketMessage[] = []
  const calls: LinkCall[] = []
  let market: Market | undefined
  let peer: AgentPeer | undefined
  let pending = new Set<(error: unknown) => void>()
  let epoch = 0

  const domain = () => {
    if (market === undefined) throw new Error('the agent was never linked')
    return market.domain
  }

  const send = (said: ScriptedMessage): void => {
    if (peer === undefined) return
    const message = isSignedAlone(said) ? batchEach(said) : said
    market?.peers.onMessage(peer, agentMessageSchema.parse(decodeCanonical(encodeMessage(message))))
  }

  const self = { world, options, signer, domain, send }
  const promises = createScriptedPromises(self)
  const work = createScriptedWork(self, promises, () => agent)
  const { publish } = promises

  const closeLease = (request: LinkRequest<'close-lease'>): void => {
    if (!promises.closeLease(request)) return
    work.dropOf(request.lease)
    publish()
  }

  const honestHoldings = (): LinkResponse<'holdings'> => ({
    leases: [...promises.leases.keys()],
    attempts: [...work.attempts.keys()],
  })

  const answer = async (call: LinkCall, request: unknown): Promise<unknown> => {
    const { script } = agent
    calls.push(call)
    switch (call) {
      case 'reserve': {
        const asked = request as LinkRequest<'reserve'>
        const honest = () => promises.reserve(asked)
        return script.reserve === undefined ? honest() : script.reserve(honest, asked)
      }
      case 'open-lease': {
        const asked = request as LinkRequest<'open-lease'>
        const honest = () => {
          promises.openLease(asked)
          if (asked.first !== null) take({ type: 'start', ...asked.first })
        }
        await (script.openLease === undefined ? honest() : script.openLease(honest, asked.lease))
        return {}
      }
      case 'close-lease': {
        const honest = () => closeLease(request as LinkRequest<'close-lease'>)
        await (script.closeLease === undefined ? honest() : script.closeLease(honest))
        return {}
      }
      case 'solicit': {
        const asked = request as LinkRequest<'solicit'>
        const honest = () => promises.sealBid(asked)
        return script.solicit === undefined ? honest() : script.solicit(honest, asked)
      }
      case 'reveal': {
        const asked = request as LinkRequest<'reveal'>
        const honest = () => promises.openBid(asked.closing.record.auction)
        return script.reveal === undefined ? honest() : script.reveal(honest, asked)
      }
      case 'amend-lease': {
        const asked = request as LinkRequest<'amend-lease'>
        const honest = () => promises.amendLease(asked)
        return script.amendLease === undefined ? honest() : script.amendLease(honest, asked)
      }
      case 'release':
        promises.release((request as LinkRequest<'release'>).reservation)
        return {}
      case 'holdings':
        return script.holdings === undefined ? honestHoldings() : script.holdings(honestHoldings)
      case 'benchmark':
        throw new MusterError({ code: 'forbidden', message: 'The owner of this machine allows no benchmarks.' })
      case 'logs':
        return { lines: [`log of ${(request as LinkRequest<'logs'>).attempt}`] }
    }
  }

  const take = (message: MarketMessage): void => {
    heard.push(message)
    switch (message.type) {
      case 'auction-over':
        return promises.hearOver(message)
      case 'start':
        return work.start(message.batches)
      case 'cancel':
        return work.cancel(message.attempts)
      case 'settled':
        return work.settle(message.attempts)
      default:
    }
  }

  const createPeer = (mine: number): AgentPeer =>
    createScriptedPeer(
      { provider: signer.address, epoch: mine },
      {
        world,
        isOpen: () => peer?.epoch === mine,
        pending,
        answer,
        take,
        blob: (cid) => {
          const bytes = work.outputs.get(cid)
          return bytes === undefined ? undefined : (agent.script.blob?.(bytes) ?? bytes)
        },
        close: () => agent.cut(),
      },
    )

  const { reservations, leases, bids } = promises
  const { starts, settled, cancelled, attempts, claimFor, sign, repeat } = work

  const agent: ScriptedAgent = {
    address: signer.address,
    signer,
    script: options.script ?? {},
    taskMs: options.taskMs ?? 5,
    link: (to) => {
      agent.cut()
      market = to
      epoch++
      peer = createPeer(epoch)
      to.peers.onOpen(peer)
      publish()
      repeat()
    },
    cut: () => {
      const old = peer
      if (old === undefined) return
      peer = undefined
      const waiting = pending
      pending = new Set()
      for (const reject of waiting) reject(linkClosed('lost'))
      market?.peers.onClose(old, 'lost')
    },
    wipe: () => {
      work.wipe()
      leases.clear()
      reservations.clear()
    },
    publish,
    send,
    repeat,
    claimFor,
    sign,
    leases,
    reservations,
    bids,
    heard,
    starts,
    settled,
    cancelled,
    calls,
    attempts,
  }
  return agent
}
