import type { Address, AgentPeer, OfferId, SignedOffer } from '@muster/protocol'

/** An offer with the slots that, as far as this node knows, are still free. The agent's answer to `reserve` decides. */
interface Standing {
  readonly offer: SignedOffer
  free: number
}

interface Linked {
  readonly peer: AgentPeer
  readonly standing: Map<OfferId, Standing>
}

/** The linked agents and what they offer: soft state, in memory, gone with the link. */
export interface Supply {
  link(peer: AgentPeer): void
  /** Forgets the peer, unless a newer link of the same provider took its place. */
  unlink(peer: AgentPeer): void
  peer(provider: Address): AgentPeer | undefined
  linkedCount(): number
  /** Replaces what the peer offers. */
  replace(peer: AgentPeer, offers: readonly SignedOffer[]): void
  /** Offers with slots believed free. */
  free(): Iterable<SignedOffer>
  /** Every standing offer with `slots` as last published. */
  all(): Iterable<SignedOffer>
  freeSlots(offer: SignedOffer): number
  /** Counts slots taken (positive) or given back (negative) until the agent publishes again. */
  take(provider: Address, offer: OfferId, slots: number): void
  /** Calls back after slots may have become free. */
  onFreed(listener: () => void): void
}

export const createSupply = (): Supply => {
  const agents = new Map<Address, Linked>()
  const listeners: (() => void)[] = []
  const freed = () => listeners.forEach((listener) => listener())

  function* standings(): Generator<Standing> {
    for (const { standing } of agents.values()) yield* standing.values()
  }

  return {
    link: (peer) => void agents.set(peer.provider, { peer, standing: new Map() }),
    unlink: (peer) => {
      if (agents.get(peer.provider)?.peer === peer) agents.delete(peer.provider)
    },
    peer: (provider) => agents.get(provider)?.peer,
    linkedCount: () => agents.size,
    replace: (peer, offers) => {
      const linked = agents.get(peer.provider)
      if (linked?.peer !== peer) return
      linked.standing.clear()
      for (const offer of offers) linked.standing.set(offer.record.id, { offer, free: offer.record.slots })
      freed()
    },
    free: function* () {
      for (const { offer, free } of standings()) if (free > 0) yield offer
    },
    all: function* () {
      for (const { offer } of standings()) yield offer
    },
    freeSlots: ({ record }) => agents.get(record.provider)?.standing.get(record.id)?.free ?? 0,
    take: (provider, offer, slots) => {
      const standing = agents.get(provider)?.standing.get(offer)
      if (standing === undefined) return
      standing.free = Math.max(0, standing.free - slots)
      if (slots < 0) freed()
    },
    onFreed: (listener) => void listeners.push(listener),
  }
}
