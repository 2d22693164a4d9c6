import type { Address, AgentMessage, MarketPeer } from '@muster/protocol'

/** The links to the agent's markets: what is sent to one that is not linked is dropped, since all is repeated by state. */
export interface Markets {
  readonly addresses: readonly Address[]
  isLinked(market: Address): boolean
  linked(market: Address, peer: MarketPeer): void
  unlinked(market: Address, peer: MarketPeer): void
  send(market: Address, message: AgentMessage): void
  close(): void
}

export const createMarkets = (addresses: readonly Address[]): Markets => {
  const peers = new Map<Address, MarketPeer>()
  return {
    addresses,
    isLinked: (market) => peers.has(market),
    linked: (market, peer) => void peers.set(market, peer),
    unlinked: (market, peer) => {
      if (peers.get(market) === peer) peers.delete(market)
    },
    send: (market, message) => {
      try {
        peers.get(market)?.send(message)
      } catch {
        peers.delete(market)
      }
    },
    close: () => {
      for (const peer of peers.values()) peer.close()
      peers.clear()
    },
  }
}
