import type { Address, AgentMessage, MarketPeer } from '@muster/protocol'

/** The agent's markets and the links to them: what is sent to one that is not linked is dropped, since all is repeated by state. */
export interface Markets {
  /** Those it belongs to, in the order it joined them; those it is leaving too. */
  readonly addresses: readonly Address[]
  /** Markets that are linked and not being left: those the slots are shared between. */
  readonly linkedCount: number
  join(market: Address): void
  /** It sells nothing new to this one. */
  leave(market: Address): void
  remove(market: Address): void
  /** Belongs to it and is not leaving. */
  isOpen(market: Address): boolean
  isLinked(market: Address): boolean
  linked(market: Address, peer: MarketPeer): void
  unlinked(market: Address, peer: MarketPeer): void
  send(market: Address, message: AgentMessage): void
  close(): void
}

export const createMarkets = (given: readonly Address[]): Markets => {
  const open = new Map<Address, boolean>(given.map((market) => [market, true]))
  const peers = new Map<Address, MarketPeer>()
  let addresses: readonly Address[] = [...open.keys()]

  return {
    get addresses() {
      return addresses
    },
    get linkedCount() {
      let count = 0
      for (const market of peers.keys()) if (open.get(market) === true) count++
      return count
    },
    join: (market) => {
      open.set(market, true)
      addresses = [...open.keys()]
    },
    leave: (market) => {
      if (open.has(market)) open.set(market, false)
    },
    remove: (market) => {
      open.delete(market)
      addresses = [...open.keys()]
    },
    isOpen: (market) => open.get(market) === true,
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
