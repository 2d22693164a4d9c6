import type { Address, AgentPeer, OfferId, SignedOffer, Timer, World } from '@muster/protocol'

/** An offer with the slots that, as far as this node knows, are still free. The agent's answer to `reserve` decides. */
interface Standing {
  readonly offer: SignedOffer
  free: number
}

interface Linked {
  readonly peer: AgentPeer
  readonly standing: Map<OfferId, Standing>
}

/** A provider that did not keep its word: its offers count as taken until the timer runs out. */
interface Resting {
  count: number
  /** Refusals since it last kept its word. */
  refusals: number
  timer: Timer | undefined
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
  hasFree(): boolean
  /** Offers with slots believed free. */
  free(): Iterable<SignedOffer>
  /** Every standing offer with `slots` as last published. */
  all(): Iterable<SignedOffer>
  /** Every standing offer with the slots believed free. */
  believed(): Iterable<SignedOffer>
  freeSlots(offer: SignedOffer): number
  /** Counts slots taken (positive) or given back (negative) until the agent publishes again. */
  take(provider: Address, offer: OfferId, slots: number): void
  /** Counts the offer as taken for a few seconds, or until the agent publishes again. */
  standAside(provider: Address, offer: OfferId): void
  /** The provider refused what it offered: the offer stands aside, and a provider that does so again and again rests. */
  refuse(provider: Address, offer: OfferId): void
  /** None of the provider's offers counts for a few seconds, whatever it publishes: its stake covers no slot. */
  pause(provider: Address): void
  /** The provider did not keep its word: none of its offers counts for a while, twice as long each time in a row. */
  rest(provider: Address): void
  /** The provider kept its word. */
  trust(provider: Address): void
  /** Rises whenever slots may have become free. */
  version(): number
  /** Calls back after slots may have become free. */
  onFreed(listener: () => void): void
}

const asideMs = 5_000
/** Refusals in a row after which a provider rests. */
const maxRefusals = 3
const firstRestMs = 5_000
const maxRestMs = 600_000

export const createSupply = (world: World): Supply => {
  const agents = new Map<Address, Linked>()
  /** Offers with slots believed free, so that nobody looks through those without. */
  const open = new Set<Standing>()
  const resting = new Map<Address, Resting>()
  const listeners: (() => void)[] = []
  let version = 0

  const freed = (): void => {
    version++
    for (const listener of listeners) listener()
  }

  const set = (standing: Standing, free: number): void => {
    standing.free = Math.max(0, free)
    if (standing.free > 0 && !isResting(standing.offer.record.provider)) open.add(standing)
    else open.delete(standing)
  }

  const isResting = (provider: Address): boolean => resting.get(provider)?.timer !== undefined

  const find = (provider: Address, offer: OfferId): Standing | undefined => agents.get(provider)?.standing.get(offer)

  const clear = (linked: Linked | undefined): void => {
    for (const standing of linked?.standing.values() ?? []) open.delete(standing)
    linked?.standing.clear()
  }

  /** Looks again at what the provider has free. */
  const reopen = (provider: Address): void => {
    const linked = agents.get(provider)
    if (linked === undefined) return
    for (const standing of linked.standing.values()) set(standing, standing.free)
    freed()
  }

  const restingOf = (provider: Address): Resting => resting.get(provider) ?? { count: 0, refusals: 0, timer: undefined }

  const pauseFor = (provider: Address, ms: number): void => {
    const known = restingOf(provider)
    known.timer?.cancel()
    known.timer = world.after(ms, () => {
      known.timer = undefined
      if (!agents.has(provider) || (known.count === 0 && known.refusals === 0)) resting.delete(provider)
      reopen(provider)
    })
    resting.set(provider, known)
    for (const standing of agents.get(provider)?.standing.values() ?? []) set(standing, standing.free)
  }

  const rest = (provider: Address): void => {
    const known = restingOf(provider)
    resting.set(provider, known)
    pauseFor(provider, Math.min(maxRestMs, firstRestMs * 2 ** Math.min(known.count, 16)))
    known.count++
    known.refusals = 0
  }

  const standAside = (provider: Address, offer: OfferId): void => {
    const standing = find(provider, offer)
    if (standing === undefined) return
    set(standing, 0)
    world.after(asideMs, () => {
      if (find(provider, offer) !== standing || standing.free > 0) return
      set(standing, standing.offer.record.slots)
      freed()
    })
  }

  return {
    link: (peer) => {
      clear(agents.get(peer.provider))
      agents.set(peer.provider, { peer, standing: new Map() })
    },
    unlink: (peer) => {
      const linked = agents.get(peer.provider)
      if (linked?.peer !== peer) return
      clear(linked)
      agents.delete(peer.provider)
      const known = resting.get(peer.provider)
      if (known?.timer === undefined && known?.count === 0) resting.delete(peer.provider)
    },
    peer: (provider) => agents.get(provider)?.peer,
    linkedCount: () => agents.size,
    replace: (peer, offers) => {
      const linked = agents.get(peer.provider)
      if (linked?.peer !== peer) return
      clear(linked)
      for (const offer of offers) {
        const standing = { offer, free: 0 }
        linked.standing.set(offer.record.id, standing)
        set(standing, offer.record.slots)
      }
      freed()
    },
    hasFree: () => open.size > 0,
    free: function* () {
      for (const { offer } of open) yield offer
    },
    all: function* () {
      for (const { standing } of agents.values()) for (const { offer } of standing.values()) yield offer
    },
    believed: function* () {
      for (const { standing } of agents.values()) {
        for (const { offer, free } of standing.values()) {
          const slots = isResting(offer.record.provider) ? 0 : free
          yield { ...offer, record: { ...offer.record, slots } }
        }
      }
    },
    freeSlots: ({ record }) => (isResting(record.provider) ? 0 : (find(record.provider, record.id)?.free ?? 0)),
    take: (provider, offer, slots) => {
      const standing = find(provider, offer)
      if (standing === undefined) return
      set(standing, standing.free - slots)
      if (slots < 0) freed()
    },
    standAside,
    refuse: (provider, offer) => {
      const known = restingOf(provider)
      if (++known.refusals >= maxRefusals) return rest(provider)
      resting.set(provider, known)
      standAside(provider, offer)
    },
    pause: (provider) => {
      if (!isResting(provider)) pauseFor(provider, asideMs)
    },
    rest,
    trust: (provider) => {
      if (resting.get(provider)?.timer === undefined) resting.delete(provider)
    },
    version: () => version,
    onFreed: (listener) => void listeners.push(listener),
  }
}
