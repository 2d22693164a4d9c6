import {
  linkClosed,
  MusterError,
  type Address,
  type AgentMessage,
  type AgentPeer,
  type LeaseId,
  type LinkRequest,
  type Cid,
  type World,
} from '@muster/protocol'
import type { DenialEffect } from '../admin/apply-denial.ts'
import type { Denial } from '../store/admin-store.ts'
import type { NodeId } from '../store/node-store.ts'
import { listCheapest } from '../supply/list-cheapest.ts'
import type { Supply } from '../supply/supply.ts'
import type { HoldBook } from './hold-book.ts'
import type { NodeCall, NodeCalls, NodeService, PassedMessage, RemoteLink } from './hop/hop.ts'
import type { LocalLinks } from './local-links.ts'

/** What a market does for other nodes. */
export interface NodeHandlers {
  /** A message of an agent that is linked elsewhere, about jobs of this node. */
  readonly take: (peer: AgentPeer, message: AgentMessage) => void
  readonly hasLease: (lease: LeaseId) => boolean
  readonly needs: (provider: Address, cid: Cid) => Promise<boolean>
  readonly deny: (denial: Denial) => Promise<DenialEffect>
  /** Others took this node out, and it has lost the database: they write its jobs. */
  readonly out: () => void
  /** The HTTP API of this node. */
  readonly fetch: (request: Request) => Promise<Response>
}

export interface NodeServiceModules {
  readonly world: World
  readonly local: Supply
  readonly links: LocalLinks
  readonly book: HoldBook
  readonly handlers: () => NodeHandlers
  readonly isSettled: () => boolean
  readonly isSure: () => boolean
  /** The agent as linked to that node. */
  readonly remotePeer: (node: NodeId, link: RemoteLink) => Promise<AgentPeer | undefined>
}

type Answers = {
  readonly [Call in NodeCall]: (
    request: NodeCalls[Call]['request'],
    from: NodeId,
  ) => Promise<NodeCalls[Call]['response']> | NodeCalls[Call]['response']
}

const isOutdated = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === 'capacity_taken' || error.code === 'record_expired')

export const createNodeService = (modules: NodeServiceModules): NodeService => {
  const { local, links, book, handlers, isSettled, isSure, remotePeer } = modules

  const requirePeer = ({ provider, epoch }: RemoteLink): AgentPeer => {
    const peer = local.peer(provider)
    if (peer?.epoch !== epoch) throw linkClosed('lost')
    return peer
  }

  const callAgent: Answers['agent'] = async ({ call, body, timeoutMs, ...link }, from) => {
    const peer = requirePeer(link)
    const { provider } = link
    if (call === 'reserve') {
      const request = body as LinkRequest<'reserve'>
      try {
        return await book.reserve(from, provider, request.slots, () => peer.call(call, request, { timeoutMs }))
      } catch (error) {
        if (isOutdated(error)) local.standAside(provider, request.offer)
        throw error
      }
    }
    const answer = await peer.call(call, body as LinkRequest<typeof call>, { timeoutMs })
    if (call === 'release') book.release(provider, (body as LinkRequest<'release'>).reservation)
    return answer
  }

  const pass = async (from: NodeId, passed: PassedMessage): Promise<void> => {
    if (passed.to === 'agent') {
      const peer = local.peer(passed.provider)
      if (peer?.epoch === passed.epoch) peer.send(passed.message)
      return
    }
    // What cannot be answered is not taken: the agent says it again.
    const peer = await remotePeer(from, passed)
    if (peer !== undefined) handlers().take(peer, passed.message)
  }

  const answers: Answers = {
    links: ({ known }) => links.read(known),
    offers: ({ demand, limit, after }) =>
      local
        .cheapest(demand, { limit, ...(after === undefined ? {} : { after }) })
        .map((offer) => ({ offer, free: local.freeSlots(offer) })),
    standing: ({ isBelieved, limit }) =>
      listCheapest(isBelieved ? local.believed() : local.all(), limit).map((offer) => ({
        offer,
        free: local.freeSlots(offer),
      })),
    agent: callAgent,
    messages: async (messages, from) => {
      for (const message of messages) await pass(from, message)
      return null
    },
    holds: ({ provider, held }, from) => {
      if (local.peer(provider) !== undefined) book.replace(from, provider, held)
      return null
    },
    keeps: ({ leases }) => ({ isSettled: isSettled(), kept: leases.filter(handlers().hasLease) }),
    needs: ({ provider, cid }) => handlers().needs(provider, cid),
    deny: (denial) => handlers().deny(denial),
    out: () => {
      if (!isSure()) handlers().out()
      return null
    },
  }

  return {
    call: async (from, call, request) => {
      if (!Object.hasOwn(answers, call))
        throw new MusterError({ code: 'not_found', message: 'This node does not know this call.', facts: { call } })
      return answers[call](request, from)
    },
    putBlob: async ({ cid, ...link }, bytes) => requirePeer(link).putBlob(cid, bytes),
    getBlob: ({ cid, ...link }, maxBytes) => requirePeer(link).getBlob(cid, maxBytes),
    fetch: (request) => handlers().fetch(request),
  }
}
