import type { Address, Log, OfferId, SignedOffer, World } from '@muster/protocol'
import type { ScatterDemand } from '../auction/find-offers.ts'
import type { NodeRow } from '../store/node-store.ts'
import type { Supply } from '../supply/supply.ts'
import type { FoundOffer, Hop } from './hop/hop.ts'
import type { RemoteLinks } from './remote-links.ts'
import type { ToldHolds } from './told-holds.ts'

/** The supply of all nodes, as one of them sees it: its own agents, and of the others what they said when it asked. */
export interface MarketSupply {
  readonly supply: Supply
  readonly scatter: ScatterDemand
  /** The cheapest standing offers of agents linked elsewhere, with their slots as published or as believed free. */
  standing(isBelieved: boolean): Promise<readonly SignedOffer[]>
  /** Regions of the offers of an agent that is linked elsewhere, as far as they were seen. */
  regionsOf(provider: Address): ReadonlySet<string>
  /** Slots may have become free elsewhere. */
  freed(): void
  /** Answers of other nodes that came too late to count. */
  missed(): number
}

export interface MarketSupplyModules {
  readonly world: World
  readonly local: Supply
  readonly links: RemoteLinks
  readonly holds: ToldHolds
  readonly hop: Hop
  /** What this market denies: the node of its agent may not have heard of that yet. */
  readonly isDenied: (offer: SignedOffer) => boolean
  readonly log: Log
}

/** How long an order waits for the offers of another node. */
const scatterMs = 500
const standingMs = 2_000
const standingOffers = 2_000
const rememberedOffers = 100_000
/** Of a provider. */
const rememberedRegions = 64

/** An offer as another node showed it. */
interface Seen {
  readonly region: string
  free: number
  /** Slots of the provider that this node held then. */
  readonly held: number
}

/** Drops the oldest of what is too much. */
const trim = <Key>(
  kept: { readonly size: number; keys(): Iterable<Key>; delete(key: Key): boolean },
  most: number,
): void => {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return
    kept.delete(oldest)
  }
}

export const createMarketSupply = (modules: MarketSupplyModules): MarketSupply => {
  const { local, links, holds, hop, isDenied, log } = modules
  const seen = new Map<OfferId, Seen>()
  const regions = new Map<Address, Set<string>>()
  const listeners: (() => void)[] = []
  let version = 0
  let missed = 0

  const isHere = (provider: Address): boolean => local.peer(provider) !== undefined

  const remember = ({ offer: { record }, free }: FoundOffer): void => {
    const { id, provider, region } = record
    seen.delete(id)
    seen.set(id, { region, free, held: local.heldSlots(provider) })
    trim(seen, rememberedOffers)
    const own = (regions.get(provider) ?? new Set<string>()).add(region)
    trim(own, rememberedRegions)
    regions.delete(provider)
    regions.set(provider, own)
    trim(regions, rememberedOffers)
  }

  /** Each node's answer that came in time. */
  const gather = async <Answer>(what: string, ask: (node: NodeRow) => Promise<Answer>): Promise<Answer[]> => {
    const answers = await Promise.all(
      links.reachable().map(async (node) => {
        try {
          return [await ask(node)]
        } catch (error) {
          missed++
          log.info('a node is left out, since it did not answer in time', { node: node.name, what, error })
          return []
        }
      }),
    )
    return answers.flat()
  }

  const supply: Supply = {
    ...local,
    take: holds.take,
    peer: (provider) => local.peer(provider) ?? links.peer(provider),
    hasFree: () => local.hasFree() || links.count() > 0,
    freeSlots: (offer) => {
      const { provider, id } = offer.record
      if (isHere(provider)) return local.freeSlots(offer)
      const known = seen.get(id)
      if (known === undefined || local.isResting(provider) || links.peer(provider) === undefined) return 0
      return Math.max(0, known.free + known.held - local.heldSlots(provider))
    },
    standAside: (provider, offer) => {
      if (isHere(provider)) local.standAside(provider, offer)
      else seen.delete(offer)
    },
    refuse: (provider, offer) => {
      local.refuse(provider, offer)
      seen.delete(offer)
    },
    version: () => local.version() + version,
    onFreed: (listener) => {
      local.onFreed(listener)
      listeners.push(listener)
    },
  }

  return {
    supply,
    scatter: async (demand, page) =>
      gather('offers', async (node) => {
        const found = await hop.call(node, 'offers', { demand, ...page }, scatterMs)
        // An agent on its way from one node to another may be shown by both.
        const own = found.filter(
          ({ offer: { record } }) => !isHere(record.provider) && links.nodeOf(record.provider)?.id === node.id,
        )
        for (const each of own) remember(each)
        return own.map(({ offer }) => offer).filter((offer) => !isDenied(offer))
      }),
    standing: async (isBelieved) =>
      (
        await gather('standing offers', (node) =>
          hop.call(node, 'standing', { isBelieved, limit: standingOffers }, standingMs),
        )
      )
        .flat()
        .map((found) => {
          remember(found)
          return found.offer
        })
        .filter((offer) => !isDenied(offer)),
    regionsOf: (provider) => regions.get(provider) ?? new Set(),
    freed: () => {
      version++
      for (const listener of listeners) listener()
    },
    missed: () => missed,
  }
}
