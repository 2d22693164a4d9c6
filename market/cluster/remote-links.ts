import type { Address, AgentPeer, Log } from '@muster/protocol'
import type { NodeId, NodeRow } from '../store/node-store.ts'
import type { Hop, LinkNews } from './hop/hop.ts'
import type { Outbox } from './outbox.ts'
import { createRemotePeer, type RemotePeer } from './remote-peer.ts'

/** The agents that are linked to other nodes, as those nodes say. */
export interface RemoteLinks {
  /** Over the newest link that is known. */
  peer(provider: Address): AgentPeer | undefined
  nodeOf(provider: Address): NodeRow | undefined
  /** Those that are up and answer: the others are out of reach for now. */
  reachable(): readonly NodeRow[]
  /** Asks a node who is linked there, if that has changed. */
  look(node: NodeRow): Promise<void>
  /** What was under way to this node may be lost: its links are new ones from here on. */
  reset(node: NodeRow): void
  /** Forgets the nodes that are not among these. */
  keep(nodes: readonly NodeRow[]): void
  count(): number
}

export interface RemoteLinksModules {
  readonly hop: Hop
  readonly outbox: Outbox
  readonly log: Log
  readonly onLinked: (peer: AgentPeer) => void
  readonly onUnlinked: (peer: AgentPeer) => void
}

interface Known {
  readonly node: NodeRow
  /** Of the node's links; -1 where nothing is known. */
  version: number
  readonly links: Map<Address, RemotePeer>
  /** Times in a row that it did not answer. */
  silences: number
  looking: Promise<void> | undefined
  isDue: boolean
}

const lookMs = 2_000
const maxSilences = 2

export const createRemoteLinks = (modules: RemoteLinksModules): RemoteLinks => {
  const { hop, outbox, log, onLinked, onUnlinked } = modules
  const nodes = new Map<NodeId, Known>()

  const find = (provider: Address): { readonly node: NodeRow; readonly peer: AgentPeer } | undefined => {
    let best: { readonly node: NodeRow; readonly peer: AgentPeer } | undefined
    for (const { node, links } of nodes.values()) {
      const peer = links.get(provider)?.peer
      if (peer !== undefined && (best === undefined || peer.epoch > best.peer.epoch)) best = { node, peer }
    }
    return best
  }

  const isLinked = (peer: AgentPeer): boolean => find(peer.provider)?.peer === peer

  const take = (known: Known, { isWhole, links, gone }: Omit<LinkNews, 'version'>): void => {
    const named = new Set(links.map(({ provider }) => provider))
    const left = isWhole ? [...known.links.keys()].filter((provider) => !named.has(provider)) : gone
    const fresh: AgentPeer[] = []
    const over: RemotePeer[] = []
    for (const link of links) {
      const old = known.links.get(link.provider)
      if (old?.peer.epoch === link.epoch) continue
      const remote = createRemotePeer(known.node, link, { hop, outbox, isLinked })
      known.links.set(link.provider, remote)
      fresh.push(remote.peer)
      if (old !== undefined) over.push(old)
    }
    for (const provider of left) {
      const old = known.links.get(provider)
      if (old !== undefined) over.push(old)
      known.links.delete(provider)
    }
    for (const { end } of over) end()
    for (const peer of fresh) onLinked(peer)
    for (const { peer } of over) onUnlinked(peer)
  }

  const forget = (known: Known): void => {
    outbox.forget(known.node.id)
    known.version = -1
    take(known, { isWhole: true, links: [], gone: [] })
  }

  const lookOnce = async (known: Known): Promise<void> => {
    const asked = known.version
    try {
      const { version, ...news } = await hop.call(known.node, 'links', { known: asked }, lookMs)
      // News since a version say nothing of links that were forgotten meanwhile: the next look reads all.
      if (nodes.get(known.node.id) !== known || known.version !== asked) return
      if (known.silences >= maxSilences) log.info('a node answers again', { node: known.node.name })
      known.silences = 0
      known.version = version
      take(known, news)
    } catch (error) {
      if (++known.silences !== maxSilences || nodes.get(known.node.id) !== known) return
      log.warn('a node does not answer; its agents count as out of reach', { node: known.node.name, error })
      forget(known)
    }
  }

  const look = (known: Known): Promise<void> => {
    if (known.looking !== undefined) {
      known.isDue = true
      return known.looking
    }
    known.looking = lookOnce(known).finally(() => {
      known.looking = undefined
      if (!known.isDue) return
      known.isDue = false
      void look(known)
    })
    return known.looking
  }

  return {
    peer: (provider) => find(provider)?.peer,
    nodeOf: (provider) => find(provider)?.node,
    reachable: () => [...nodes.values()].filter(({ silences }) => silences < maxSilences).map(({ node }) => node),
    look: async ({ id }) => {
      const known = nodes.get(id)
      if (known !== undefined) await look(known)
    },
    reset: ({ id }) => {
      const known = nodes.get(id)
      if (known === undefined) return
      forget(known)
      void look(known)
    },
    keep: (rows) => {
      for (const [id, known] of nodes) {
        if (rows.some((row) => row.id === id)) continue
        nodes.delete(id)
        forget(known)
      }
      for (const node of rows) {
        if (nodes.has(node.id)) continue
        const known = { node, version: -1, links: new Map(), silences: 0, looking: undefined, isDue: false }
        nodes.set(node.id, known)
        void look(known)
      }
    },
    count: () => [...nodes.values()].reduce((sum, { links }) => sum + links.size, 0),
  }
}
