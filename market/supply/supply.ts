import type {
  Address,
  AgentPeer,
  Demand,
  Maintenance,
  MeasuredBy,
  NearMisses,
  OfferId,
  Publication,
  ReservationId,
  SignedOffer,
  Timer,
  World,
} from '@muster/protocol'
import { createHolds, type Hold } from './holds.ts'
import { nearMisses, type NearMissesOptions } from './near-misses.ts'
import { createOfferIndex, type SearchOptions, type WideSearchOptions } from './offer-index.ts'

/** An offer as it was published. What is free of it follows from the holds; the agent's answer to `reserve` decides. */
interface Standing {
  readonly offer: SignedOffer
  /** Its place in the index, where it is open while slots are believed free. */
  readonly row: number
  /** Counts as taken for a while. */
  isAside: boolean
  asideTimer?: Timer
}

interface Linked {
  readonly peer: AgentPeer
  /** Few: one publication has 64 at most. */
  standing: readonly Standing[]
  /** Slots to add to what it published: given back meanwhile, less those taken meanwhile. */
  readonly held: { readonly change: number }
}

/** A provider that did not keep its word: its offers count as taken until the timer runs out. */
interface Resting {
  count: number
  /** Refusals since it last kept its word. */
  refusals: number
  timer: Timer | undefined
  /** `elapsed` when it last did not. */
  at: number
}

/** The linked agents and what they offer: soft state, in memory, gone with the link. */
export interface Supply {
  link(peer: AgentPeer): void
  /** Forgets the peer, unless a newer link of the same provider took its place. */
  unlink(peer: AgentPeer): void
  peer(provider: Address): AgentPeer | undefined
  linkedCount(): number
  peers(): Iterable<AgentPeer>
  /** Replaces what the peer offers. */
  replace(peer: AgentPeer, publication: Publication): void
  hasFree(): boolean
  /** Offers with slots believed free that fit, cheapest first: what `rankOffers` gives, without a look at all the others. */
  cheapest(demand: Demand, options: SearchOptions): SignedOffer[]
  /** What is nearest to a demand that nothing fits, without a look at every offer. */
  nearMisses(demand: Demand, options: NearMissesOptions): NearMisses
  /** Offers with slots believed free. */
  free(): Iterable<SignedOffer>
  /** Every standing offer with `slots` as last published. */
  all(): Iterable<SignedOffer>
  /** Every standing offer with the slots believed free. */
  believed(): Iterable<SignedOffer>
  freeSlots(offer: SignedOffer): number
  /** When the provider's machine is announced not to be had. */
  maintenanceOf(provider: Address): readonly Maintenance[]
  /** Slots of the provider that this market asked for or leased. */
  heldSlots(provider: Address): number
  /** Counts slots of the provider as taken until they are given back, whatever it publishes meanwhile. */
  take(provider: Address, slots: number, reservation?: ReservationId): Hold
  /** Counts the offer as taken for a few seconds, or until the agent publishes again. */
  standAside(provider: Address, offer: OfferId): void
  /** The provider refused what it offered: the offer stands aside, and a provider that does so again and again rests. */
  refuse(provider: Address, offer: OfferId): void
  /** None of the provider's offers counts for a few seconds, whatever it publishes: its stake covers no slot. */
  pause(provider: Address): void
  /** The provider did not keep its word: none of its offers counts for a while, twice as long each time in a row. */
  rest(provider: Address): void
  /** Whether none of the provider's offers counts now. */
  isResting(provider: Address): boolean
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
/** After so long without another breach a provider is as good as new. */
const forgetMs = 2 * maxRestMs

export const createSupply = (world: World, measured: MeasuredBy = () => undefined): Supply => {
  const agents = new Map<Address, Linked>()
  const index = createOfferIndex({ rowsOf: (provider) => rowsOf(provider) })
  /** Of agents linked elsewhere too. Those that broke their word longest ago first. */
  const resting = new Map<Address, Resting>()
  const listeners: (() => void)[] = []
  let version = 0

  const freed = (): void => {
    version++
    for (const listener of listeners) listener()
  }

  /** All offers of a provider sell the same machine. */
  const freeOf = ({ offer: { record }, isAside }: Standing, { held }: Linked): number =>
    isAside || isResting(record.provider) ? 0 : Math.max(0, record.slots + held.change)

  const look = (standing: Standing, linked: Linked): void => {
    if (freeOf(standing, linked) > 0) index.open(standing.row)
    else index.close(standing.row)
  }

  const lookAll = (provider: Address): void => {
    const linked = agents.get(provider)
    if (linked !== undefined) for (const standing of linked.standing) look(standing, linked)
  }

  const rowsOf = function* (provider: Address): Iterable<number> {
    for (const { row } of agents.get(provider)?.standing ?? []) yield row
  }

  const holds = createHolds((provider, isMore) => {
    lookAll(provider)
    if (isMore) freed()
  })

  const isResting = (provider: Address): boolean => resting.size > 0 && resting.get(provider)?.timer !== undefined

  const find = (linked: Linked | undefined, id: OfferId): Standing | undefined =>
    linked?.standing.find(({ offer }) => offer.record.id === id)

  const clear = (linked: Linked | undefined): void => {
    if (linked === undefined) return
    for (const { row } of linked.standing) index.remove(row)
    linked.standing = []
  }

  /** Looks again at what the provider has free. */
  const reopen = (provider: Address): void => {
    if (!agents.has(provider)) return
    lookAll(provider)
    freed()
  }

  /** Notes a breach, and forgets those that are long ago. */
  const breachOf = (provider: Address): Resting => {
    const now = world.elapsed()
    for (const [oldest, { at }] of resting) {
      if (now - at < forgetMs) break
      resting.delete(oldest)
    }
    const known = resting.get(provider) ?? { count: 0, refusals: 0, timer: undefined, at: now }
    known.at = now
    resting.delete(provider)
    resting.set(provider, known)
    return known
  }

  const pauseFor = (provider: Address, ms: number): void => {
    const known = breachOf(provider)
    known.timer?.cancel()
    known.timer = world.after(ms, () => {
      known.timer = undefined
      if (known.count === 0 && known.refusals === 0) resting.delete(provider)
      reopen(provider)
    })
    lookAll(provider)
  }

  const rest = (provider: Address): void => {
    const known = breachOf(provider)
    pauseFor(provider, Math.min(maxRestMs, firstRestMs * 2 ** Math.min(known.count, 16)))
    known.count++
    known.refusals = 0
  }

  const standAside = (provider: Address, offer: OfferId): void => {
    const linked = agents.get(provider)
    const standing = find(linked, offer)
    if (linked === undefined || standing === undefined) return
    standing.isAside = true
    standing.asideTimer?.cancel()
    look(standing, linked)
    standing.asideTimer = world.after(asideMs, () => {
      if (find(agents.get(provider), offer) !== standing) return
      standing.isAside = false
      look(standing, linked)
      freed()
    })
  }

  return {
    link: (peer) => {
      clear(agents.get(peer.provider))
      agents.set(peer.provider, { peer, standing: [], held: holds.linked(peer.provider) })
    },
    unlink: (peer) => {
      const linked = agents.get(peer.provider)
      if (linked?.peer !== peer) return
      clear(linked)
      holds.unlinked(peer.provider)
      agents.delete(peer.provider)
    },
    peer: (provider) => agents.get(provider)?.peer,
    linkedCount: () => agents.size,
    peers: function* () {
      for (const { peer } of agents.values()) yield peer
    },
    replace: (peer, { offers, counted }) => {
      const linked = agents.get(peer.provider)
      if (linked?.peer !== peer) return
      holds.counted(peer.provider, counted)
      const left = new Set(linked.standing)
      const standing: Standing[] = []
      for (const offer of offers) {
        const { id } = offer.record
        const again = standing.findIndex((each) => each.offer.record.id === id)
        const known = standing[again] ?? find(linked, id)
        if (known !== undefined) {
          left.delete(known)
          index.replace(known.row, offer)
        }
        const made: Standing = { offer, row: known?.row ?? index.add(offer), isAside: false }
        if (again === -1) standing.push(made)
        else standing[again] = made
      }
      linked.standing = standing
      for (const { row } of left) index.remove(row)
      lookAll(peer.provider)
      freed()
    },
    hasFree: () => index.openCount() > 0,
    cheapest: (demand, options) => index.cheapest({ ...demand, measured }, world.now(), options),
    nearMisses: (demand, options) => {
      const now = world.now()
      const search = (asked: Demand, wide: WideSearchOptions) => index.cheapest(asked, now, wide)
      return nearMisses({ ...demand, measured }, options, { search, count: index.count(), now })
    },
    free: function* () {
      for (const { standing } of agents.values()) {
        for (const { offer, row } of standing) if (index.isOpen(row)) yield offer
      }
    },
    all: function* () {
      for (const { standing } of agents.values()) for (const { offer } of standing) yield offer
    },
    believed: function* () {
      for (const linked of agents.values()) {
        for (const each of linked.standing) {
          const { offer } = each
          yield { ...offer, record: { ...offer.record, slots: freeOf(each, linked) } }
        }
      }
    },
    maintenanceOf: (provider) => {
      const now = world.now()
      const [standing] = agents.get(provider)?.standing.values() ?? []
      return standing?.offer.record.maintenance?.filter(({ until }) => until > now) ?? []
    },
    freeSlots: ({ record }) => {
      const linked = agents.get(record.provider)
      const standing = find(linked, record.id)
      return linked === undefined || standing === undefined ? 0 : freeOf(standing, linked)
    },
    heldSlots: holds.held,
    take: holds.take,
    standAside,
    refuse: (provider, offer) => {
      const known = breachOf(provider)
      if (++known.refusals >= maxRefusals) return rest(provider)
      standAside(provider, offer)
    },
    pause: (provider) => {
      if (!isResting(provider)) pauseFor(provider, asideMs)
    },
    rest,
    isResting,
    trust: (provider) => {
      if (resting.get(provider)?.timer === undefined) resting.delete(provider)
    },
    version: () => version,
    onFreed: (listener) => void listeners.push(listener),
  }
}
