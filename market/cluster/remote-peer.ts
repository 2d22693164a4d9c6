import { linkClosed, type AgentPeer, type LinkResponse, type MusterError } from '@muster/protocol'
import type { NodeRow } from '../store/node-store.ts'
import type { Hop, RemoteLink } from './hop/hop.ts'
import type { Outbox } from './outbox.ts'

export interface RemotePeerModules {
  readonly hop: Hop
  readonly outbox: Outbox
  /** Whether the agent is linked there still, as far as is known here. */
  readonly isLinked: (peer: AgentPeer) => boolean
}

/** How much longer than the agent's own time an answer may take over the hop. */
const hopMs = 1_000

/** An agent that is linked to another node of this market. */
export interface RemotePeer {
  readonly peer: AgentPeer
  /** The link is over, as far as is known here: what is called over it is not answered any more. */
  end(): void
}

export const createRemotePeer = (
  node: NodeRow,
  { provider, epoch }: RemoteLink,
  { hop, outbox, isLinked }: RemotePeerModules,
): RemotePeer => {
  const pending = new Set<(error: MusterError) => void>()
  const requireLinked = (): void => {
    if (!isLinked(peer)) throw linkClosed('lost')
  }
  const peer: AgentPeer = {
    provider,
    epoch,
    call: async (call, body, { timeoutMs }) => {
      requireLinked()
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      pending.add(reject)
      try {
        hop.call(node, 'agent', { provider, epoch, call, body, timeoutMs }, timeoutMs + hopMs).then(resolve, reject)
        return (await promise) as LinkResponse<typeof call>
      } finally {
        pending.delete(reject)
      }
    },
    send: (message) => {
      if (isLinked(peer)) outbox.send(node, { to: 'agent', provider, epoch, message })
    },
    putBlob: async (cid, bytes) => {
      requireLinked()
      await hop.putBlob(node, { provider, epoch, cid }, bytes)
    },
    getBlob: async function* (cid, maxBytes) {
      requireLinked()
      yield* hop.getBlob(node, { provider, epoch, cid }, maxBytes)
    },
    // Only the node of a link closes it.
    close: () => {},
  }
  return {
    peer,
    end: () => {
      for (const reject of pending) reject(linkClosed('lost'))
    },
  }
}
