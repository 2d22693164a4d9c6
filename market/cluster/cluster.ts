import type { Address, AgentPeer, Cid, JobId, Log, SignedOffer, World } from '@muster/protocol'
import type { DenialEffect } from '../admin/apply-denial.ts'
import type { Jobs } from '../job/jobs.ts'
import type { Denial } from '../store/admin-store.ts'
import type { NodeId, NodeRow } from '../store/node-store.ts'
import type { Store } from '../store/store.ts'
import type { Supply } from '../supply/supply.ts'
import type { Bus } from './bus/bus.ts'
import { createFindStrays, type FindStrays } from './find-strays.ts'
import { createHoldBook } from './hold-book.ts'
import type { Hop, NodeService } from './hop/hop.ts'
import { createJobOwners } from './job-owners.ts'
import { createLocalLinks } from './local-links.ts'
import { createMarketSupply, type MarketSupply } from './market-supply.ts'
import { createMembership, type Membership, type MembershipModules } from './membership.ts'
import { createNodeService, type NodeHandlers } from './node-service.ts'
import { createNudges, type Nudge } from './nudges.ts'
import { createOutbox } from './outbox.ts'
import { createRemoteLinks } from './remote-links.ts'
import { createRouteMessage, type RouteMessage } from './route-message.ts'
import { createToldHolds } from './told-holds.ts'

/** How a node is one of several. */
export interface ClusterLink {
  /** The same from run to run. */
  readonly name: string
  /** Where the others reach it; `null` for a node that works alone. */
  readonly url: string | null
  /** Names the place where its blobs are. */
  readonly blobs: string
  readonly bus: Bus
  /** Called once: `service` answers the other nodes from then on. */
  readonly open: (id: () => NodeId, service: NodeService) => Hop
}

export interface ClusterModules extends Pick<MembershipModules, 'load' | 'takeUp' | 'letGo' | 'onFacts'> {
  readonly link: ClusterLink
  readonly world: World
  readonly store: Store
  readonly log: Log
  readonly local: Supply
  readonly jobs: Jobs
  readonly market: Address
  readonly version: string
  readonly timeoutMs: number
  readonly handlers: NodeHandlers
  readonly isDenied: (offer: SignedOffer) => boolean
  /** An agent is linked to another node. */
  readonly onLinked: (peer: AgentPeer) => void
  readonly onUnlinked: (peer: AgentPeer) => void
  /** Others are up than before. */
  readonly onNodes: () => void
  /** A later link of the provider is elsewhere. */
  readonly supersede: (provider: Address, epoch: number) => void
}

/** One node among those of its market. */
export interface Cluster extends Pick<Membership, 'id' | 'others' | 'isSure' | 'lookedAt'> {
  readonly supply: Supply
  readonly offers: Pick<MarketSupply, 'scatter' | 'standing' | 'regionsOf' | 'missed'>
  readonly findStrays: FindStrays
  readonly route: RouteMessage
  /** Agents linked elsewhere. */
  remoteLinks(): number
  /** Whether it may be one of several. */
  readonly isShared: boolean
  isBusUp(): boolean
  /** Whether a job of another node gives the provider a reason to read this blob. */
  isNeededElsewhere(provider: Address, cid: Cid): Promise<boolean>
  /** Ends what a denial ends on the other nodes. Those that do not answer do it when they read of it. */
  denyElsewhere(denial: Denial): Promise<DenialEffect>
  /** Of jobs that an agent speaks of and that are not written here: those that are not closed, or of which that is not known now. */
  elsewhere(peer: AgentPeer, jobs: readonly JobId[]): Promise<ReadonlySet<JobId>>
  /** The nodes that are up and answer this one. */
  reachable(): readonly NodeRow[]
  /** The node that writes a job, where that is another one that answers. */
  ownerOf(job: JobId): Promise<NodeRow | undefined>
  fetch(node: NodeRow, request: Request): Promise<Response>
  /** An agent is linked here, or no longer is. */
  linkChanged(provider: Address): void
  tell(what: Nudge): void
  start(): Promise<void>
  stop(): Promise<void>
}

const askMs = 2_000
/** With a bus that loses nothing this would not be needed. */
const lookAtFreedMs = 3_000

export const createCluster = (modules: ClusterModules): Cluster => {
  const { link, world, store, log, local, jobs, handlers, onLinked, onUnlinked, supersede } = modules
  const localLinks = createLocalLinks(local)
  const book = createHoldBook(local, world)
  let isStopped = false

  const membership = createMembership(
    {
      name: link.name,
      url: link.url,
      market: modules.market,
      blobs: link.blobs,
      version: modules.version,
      timeoutMs: modules.timeoutMs,
    },
    {
      world,
      store,
      log,
      load: modules.load,
      takeUp: modules.takeUp,
      letGo: modules.letGo,
      onFacts: modules.onFacts,
      onNodes: (nodes) => {
        links.keep(nodes)
        book.keep(new Set([membership.id(), ...nodes.map(({ id }) => id)]))
        market.freed()
        modules.onNodes()
      },
      onLooked: () => {
        for (const node of membership.others()) void links.look(node)
        holds.retry()
      },
      // Where it runs and only lost its database, its agents are better off elsewhere.
      onTakenOut: (node) => void hop.call(node, 'out', null, askMs).catch(() => {}),
      tellOthers: () => nudges.sendNow('nodes'),
    },
  )

  const service = createNodeService({
    world,
    local,
    links: localLinks,
    book,
    handlers: () => handlers,
    isSettled: membership.isSettled,
    isSure: membership.isSure,
    remotePeer: async (from, { provider, epoch }) => {
      const find = () => {
        const peer = links.peer(provider)
        return peer?.epoch === epoch ? peer : undefined
      }
      const node = membership.others().find(({ id }) => id === from)
      if (find() === undefined && node !== undefined) await links.look(node)
      return find()
    },
  })
  const hop = link.open(membership.id, service)

  const outbox = createOutbox({ world, hop, log, onLost: (node) => links.reset(node) })
  const links = createRemoteLinks({
    hop,
    outbox,
    log,
    onLinked: (peer) => {
      const here = local.peer(peer.provider)
      if (here !== undefined && here.epoch < peer.epoch) supersede(peer.provider, peer.epoch)
      holds.again(peer.provider)
      onLinked(peer)
      market.freed()
    },
    onUnlinked,
  })
  const holds = createToldHolds({
    world,
    supply: local,
    hop,
    nodeOf: (provider) => (local.peer(provider) === undefined ? links.nodeOf(provider) : undefined),
    log,
  })
  const market = createMarketSupply({ world, local, links, holds, hop, isDenied: modules.isDenied, log })

  const nudges = createNudges(
    (from, kind) => {
      if (isStopped) return
      const node = membership.others().find(({ id }) => id === from)
      if (kind === 'freed') market.freed()
      else if (kind === 'links' && node !== undefined) void links.look(node)
      else membership.look()
    },
    {
      bus: link.bus,
      world,
      id: membership.id,
      isNode: (node) => membership.others().some(({ id }) => id === node),
      log,
    },
  )
  local.onFreed(() => nudges.send('freed'))

  /** Slots that came free while the bus lost the word of it. */
  const lookAtFreedLater = (): void =>
    void world.after(lookAtFreedMs, () => {
      if (links.count() > 0) market.freed()
      lookAtFreedLater()
    })

  const askAll = async <Answer>(ask: (node: NodeRow) => Promise<Answer>): Promise<readonly Answer[]> => {
    const settled = await Promise.allSettled(links.reachable().map(ask))
    return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  const jobOwners = createJobOwners({ world, ownersOf: store.nodes.ownersOf, others: membership.others })
  const elsewhere: Cluster['elsewhere'] = async (peer, unknown) =>
    new Set((await jobOwners.ofOpen(peer, unknown))?.keys() ?? unknown)

  return {
    id: membership.id,
    others: membership.others,
    isSure: membership.isSure,
    lookedAt: membership.lookedAt,
    supply: market.supply,
    offers: market,
    findStrays: createFindStrays({
      world,
      hop,
      others: membership.others,
      isSettled: membership.isSettled,
      isAlone: link.url === null,
    }),
    route: createRouteMessage({
      jobs,
      jobOwners,
      others: membership.others,
      outbox,
      take: handlers.take,
      log,
    }),
    remoteLinks: links.count,
    isShared: link.url !== null,
    isBusUp: link.bus.isUp,
    isNeededElsewhere: async (provider, cid) =>
      (await askAll((node) => hop.call(node, 'needs', { provider, cid }, askMs))).includes(true),
    denyElsewhere: async (denial) => {
      const effects = await askAll((node) => hop.call(node, 'deny', denial, askMs))
      return {
        jobs: effects.reduce((sum, effect) => sum + effect.jobs, 0),
        leases: effects.reduce((sum, effect) => sum + effect.leases, 0),
      }
    },
    elsewhere,
    reachable: links.reachable,
    ownerOf: async (job) => {
      const owner = (await store.nodes.ownersOf([job])).get(job)
      return links.reachable().find(({ id }) => id === owner)
    },
    fetch: hop.fetch,
    linkChanged: (provider) => {
      book.forget(provider)
      localLinks.changed(provider)
      nudges.send('links')
    },
    tell: nudges.send,
    start: async () => {
      await membership.start()
      lookAtFreedLater()
    },
    stop: async () => {
      isStopped = true
      await membership.stop()
    },
  }
}
