import {
  createVerifier,
  fromProblem,
  type Address,
  type AgentMessage,
  type AgentPeer,
  type Hex,
  type JobId,
  type Log,
  type PeerHandlers,
  type Publication,
  type Secp256k1,
  type SignatureDomain,
  type TenantId,
  type Signer,
  type World,
} from '@muster/protocol'
import { createAllowedOffers } from './admin/allowed-offers.ts'
import { applyDenial, type DenialEffect } from './admin/apply-denial.ts'
import { createDenials, denialError, type Denials } from './admin/denials.ts'
import { createDrain, type Drain } from './admin/drain.ts'
import { createLastAudit, type LastAudit } from './admin/last-audit.ts'
import { createStoreMeter, type StoreMeter } from './admin/store-meter.ts'
import { createWatchFunds, type FundsWatch } from './account/watch-funds.ts'
import { createAcceptClaims } from './attempt/accept-claims.ts'
import { recordFailures } from './attempt/record-failures.ts'
import { createPackStarts } from './attempt/pack-starts.ts'
import { createAuctioneer } from './auction/auctioneer.ts'
import { createFindOffers } from './auction/find-offers.ts'
import type { BlobStore } from './blob/blob-store.ts'
import { createGiveBlobs } from './blob/give-blobs.ts'
import { collectBlobs } from './blob/collect-blobs.ts'
import { actOnCommit } from './job/act-on-commit.ts'
import { createJobActor, type JobActor } from './job/job-actor.ts'
import { createJobs, type Jobs } from './job/jobs.ts'
import { loadJob, type LoadedJob } from './job/load-job.ts'
import { planTurn } from './job/plan-turn.ts'
import type { SubmitJobModules } from './job/submit-job.ts'
import { createDispatchDepth } from './lease/dispatch-depth.ts'
import { createHoldings } from './lease/holdings.ts'
import { createLeaseKeeper } from './lease/lease-keeper.ts'
import { createOpenLease } from './lease/open-lease.ts'
import { releaseStrays } from './lease/release-strays.ts'
import { takeNotice } from './lease/take-notice.ts'
import { createTellClosed } from './lease/tell-closed.ts'
import { createBondCover } from './ledger/bond-cover.ts'
import { createOfferedCover, type OfferedCover } from './ledger/offered-cover.ts'
import { createAcceptEpoch } from './provider/accept-epoch.ts'
import { createObserveJobs } from './provider/observe-jobs.ts'
import { createProviderRecords, type ProviderRecords } from './provider/provider-records.ts'
import { createLifetime } from './lifetime.ts'
import type { MarketOptions } from './options.ts'
import { noBugs, type PlantedBug } from './planted-bug.ts'
import { createAdmitProgram } from './program/admit-program.ts'
import { checkModelHere, type CheckModel } from './program/check-model.ts'
import type { Denial } from './store/admin-store.ts'
import type { Store } from './store/store.ts'
import { createPaceOffers } from './supply/pace-offers.ts'
import { publishOffers } from './supply/publish-offers.ts'
import { createSupply, type Supply } from './supply/supply.ts'

export interface MarketModules {
  readonly world: World
  readonly store: Store
  readonly blobs: BlobStore
  readonly secp256k1: Secp256k1
  readonly signer: Signer
  readonly log: Log
  readonly bugs?: ReadonlySet<PlantedBug>
  /** How strangers' models are checked; left out, in this thread. */
  readonly checkModel?: CheckModel
}

export interface Challenge {
  readonly challenge: Hex
  readonly market: Address
  readonly chainId: number
  readonly at: number
}

/** One node of a market, without its sockets: the HTTP app and the link server are put in front of it. */
export interface Market {
  readonly options: MarketOptions
  readonly version: string
  readonly domain: SignatureDomain
  readonly modules: {
    readonly world: World
    readonly store: Store
    readonly blobs: BlobStore
    readonly jobs: Jobs
    readonly supply: Supply
    readonly offeredCover: OfferedCover
    readonly records: ProviderRecords
    readonly funds: FundsWatch
    readonly log: Log
  }
  readonly submitModules: SubmitJobModules
  readonly admin: {
    readonly drain: Drain
    readonly denials: Denials
    readonly meter: Pick<StoreMeter, 'read'>
    readonly audits: LastAudit
    /** Ends what a denial ends of what is under way. */
    readonly apply: (denial: Denial) => Promise<DenialEffect>
    /** Throws `forbidden` for a tenant that is denied. */
    readonly requireTenant: (tenant: TenantId) => void
    /** Throws `forbidden` for a provider that is denied and holds no lease to finish. */
    readonly requireProvider: (provider: Address) => void
    /** What denies a provider, itself or by the region of what it offers. */
    readonly denialOf: (provider: Address) => Denial | undefined
  }
  /** What the links of agents call. */
  readonly peers: PeerHandlers
  /** Set by whoever runs the link server. */
  issueChallenge: (provider: Address) => Challenge
  acceptEpoch: (provider: Address, epoch: number) => Promise<boolean>
  /** When a linked agent last said something (wall-clock ms); `undefined` where none of the provider is linked here. */
  heardAt: (provider: Address) => number | undefined
  /** Takes up every job that is not closed. */
  start(): Promise<void>
  /** Stops deciding; what is under way is found again at the next start. */
  stop(): void
}

export const version = '0.1.0'
/** How often the market looks whose money runs out. */
const lookEveryMs = 60_000
/** Jobs read at a time when a node starts. */
const takenUpAtOnce = 16

export const createMarket = (options: MarketOptions, modules: MarketModules): Market => {
  const { blobs, secp256k1, signer, log, bugs = noBugs, checkModel = checkModelHere } = modules
  const lifetime = createLifetime(modules.world)
  const { world } = lifetime
  const meter = createStoreMeter(modules.store, world)
  const { store } = meter
  const drain = createDrain(world)
  const denials = createDenials({ world, store })
  const allowedOffers = createAllowedOffers(denials)
  const domain: SignatureDomain = { chainId: options.chainId, market: signer.address }
  const verifier = createVerifier(secp256k1)
  const jobs = createJobs()
  const supply = createSupply(world)
  const depth = createDispatchDepth()
  const holdings = createHoldings()
  const shared = { world, store, supply, verifier, signer, domain, jobs, blobs, depth, log, bugs }
  const funds = createWatchFunds({ warnBelowMs: options.lowBalanceHours, graceMs: options.emptyGraceMs }, shared)
  const tellClosed = createTellClosed(shared)
  const openLease = createOpenLease({ ...shared, termMs: options.leaseTermMs, bondPerSlot: options.bondUsdPerSlot })
  const bondCover = createBondCover({ store, bondPerSlot: options.bondUsdPerSlot, log })
  const offeredCover = createOfferedCover({ world, supply, bondCover })
  const denialOf = (provider: Address): Denial | undefined =>
    denials.ofProvider(provider, allowedOffers.regionsOf(provider))
  const openAllowed: typeof openLease = async (actor, won) =>
    denialOf(won.peer.provider) === undefined && openLease(actor, won)
  const records = createProviderRecords({ world, store, log })
  const observeJobs = createObserveJobs({ world, store, records, isOver: lifetime.isOver, log })
  const findOffers = createFindOffers(supply)
  const auctioneer = createAuctioneer({
    ...shared,
    findOffers,
    openLease: openAllowed,
    bondCover,
    offeredCover,
    records,
  })
  const keeper = createLeaseKeeper(options, {
    ...shared,
    holdings,
    tellClosed,
    packStarts: createPackStarts({ blobs }),
    reconsider: auctioneer.consider,
  })
  const giveBlob = createGiveBlobs({ blobs, log, jobsOf: ({ provider }) => keeper.jobsOf(provider) })
  const acceptClaims = createAcceptClaims({
    ...shared,
    maxBlobBytes: options.maxBlobBytes,
    feeBasisPoints: options.feeBasisPoints,
  })
  const linked = new Set<AgentPeer>()
  const heardAt = new WeakMap<AgentPeer, number>()
  let phase: 'new' | 'running' | 'stopped' = 'new'

  const openActor = (id: JobId, loaded?: LoadedJob): JobActor =>
    createJobActor(id, loaded, {
      world,
      store,
      log,
      plan: (draft) =>
        planTurn(draft, { world, depth, denialOf: (job) => denials.ofJob(job.tenant, job.spec.program) }),
      act: (actor, committed) => {
        // Of two calls that submit one job at once, one opens it; the other only learns of it.
        const isOther = (jobs.get(id) ?? actor) !== actor
        if (isOther || lifetime.isOver()) return
        actOnCommit(actor, committed, { supply, auctioneer, keeper, depth, jobs })
        observeJobs.take(actor.id, committed.events)
      },
      isStopped: lifetime.isOver,
      snapshotEvery: options.snapshotEvents,
    })

  const takeUp = async (id: JobId): Promise<void> => {
    const loaded = await loadJob(store, id)
    if (loaded === undefined || loaded.job.closed !== null) return
    const actor = openActor(id, loaded)
    jobs.add(actor)
    for (const [lease, state] of loaded.job.leases) if (state.phase !== 'closed') keeper.keep(actor, lease, false)
    auctioneer.consider(actor)
    actor.wake()
  }

  const takeOffers = (peer: AgentPeer, publication: Publication): void => {
    try {
      publishOffers(peer, allowedOffers.take(peer, publication), { world, verifier, supply, domain })
    } catch (error) {
      log.warn('refused the offers of an agent', { provider: peer.provider, error })
    }
  }

  const paceOffers = createPaceOffers({
    world,
    isLinked: (peer) => supply.peer(peer.provider) === peer,
    publish: takeOffers,
  })

  denials.onChange(() => {
    const now = world.now()
    allowedOffers.again((peer, { offers, ...rest }) =>
      takeOffers(peer, { ...rest, offers: offers.filter(({ record }) => record.expiresAt > now) }),
    )
  })

  const requireWelcome: SubmitJobModules['requireWelcome'] = (tenant, program) => {
    const denial = denials.ofJob(tenant, program)
    if (denial !== undefined) throw fromProblem(denial)
    drain.requireOpen()
  }

  const onMessage = (peer: AgentPeer, message: AgentMessage): void => {
    switch (message.type) {
      case 'offers':
        return paceOffers(peer, message)
      case 'claims':
        return void acceptClaims(peer, message.batches, message.blobs)
      case 'failures':
        return void recordFailures(peer, message.failures, shared)
      case 'want':
        return giveBlob(peer, message)
      case 'notice':
        return void takeNotice(peer, message, { keeper, log })
      case 'ping':
        peer.send({ type: 'pong', at: world.now() })
    }
  }

  const markSeen = (peer: AgentPeer): void => {
    store.providers
      .markSeen(peer.provider, world.now())
      .catch((error: unknown) => log.info('could not note that an agent was seen', { error }))
  }

  const clean = async (): Promise<void> => {
    await store.pruneOrders(world.now())
    await records.prune()
    if (options.keepJobBlobsMs > 0) await store.blobs.dropRefsOfClosed(world.now() - options.keepJobBlobsMs)
    if (options.keepBlobsMs > 0) await collectBlobs(options.keepBlobsMs, shared)
  }

  const lookAtFundsLater = (): void =>
    void world.after(lookEveryMs, () => {
      funds
        .lookAtAll()
        .catch((error: unknown) => log.info('could not look at the money of tenants', { error }))
        .finally(lookAtFundsLater)
    })

  const cleanLater = (): void =>
    void world.after(options.cleanEveryMs, () => {
      clean()
        .catch((error: unknown) => log.warn('could not clean up', { error }))
        .finally(cleanLater)
    })

  return {
    options,
    version,
    domain,
    modules: { world, store, blobs, jobs, supply, offeredCover, records, funds, log },
    submitModules: {
      ...shared,
      admitProgram: createAdmitProgram({ world, blobs, checkModel }),
      offeredCover,
      openActor,
      requireWelcome,
    },
    admin: {
      drain,
      denials,
      meter,
      audits: createLastAudit(),
      denialOf,
      apply: (denial) => applyDenial(denial, { world, jobs, regionsOf: allowedOffers.regionsOf }),
      requireTenant: (tenant) => {
        const denial = denials.find('tenant', tenant)
        if (denial !== undefined) throw denialError(denial)
      },
      requireProvider: (provider) => {
        const denial = denials.find('provider', provider)
        if (denial !== undefined && [...keeper.jobsOf(provider)].length === 0) throw denialError(denial)
      },
    },
    peers: {
      onOpen: (peer) => {
        if (lifetime.isOver()) return
        linked.add(peer)
        heardAt.set(peer, world.now())
        supply.link(peer)
        log.info('an agent is linked', { provider: peer.provider, epoch: peer.epoch })
        keeper.onLinked(peer)
        if (phase === 'running') void releaseStrays(peer, { ...shared, holdings, keeper, tellClosed })
      },
      onMessage: (peer, message) => {
        heardAt.set(peer, world.now())
        if (phase === 'running' || (phase === 'new' && message.type === 'offers')) onMessage(peer, message)
      },
      onClose: (peer, reason) => {
        linked.delete(peer)
        allowedOffers.forget(peer)
        supply.unlink(peer)
        log.info('an agent is no longer linked', { provider: peer.provider, epoch: peer.epoch, reason })
        if (lifetime.isOver()) return
        markSeen(peer)
        keeper.onUnlinked(peer)
      },
    },
    issueChallenge: () => {
      throw new Error('no link server is attached')
    },
    acceptEpoch: createAcceptEpoch({ world, store, supply }),
    heardAt: (provider) => {
      const peer = supply.peer(provider)
      return peer === undefined ? undefined : heardAt.get(peer)
    },
    start: async () => {
      await denials.load()
      const active = await store.jobs.active()
      for (let at = 0; at < active.length; at += takenUpAtOnce) {
        await Promise.all(active.slice(at, at + takenUpAtOnce).map(takeUp))
      }
      if (phase !== 'new') return
      phase = 'running'
      for (const peer of linked) void releaseStrays(peer, { ...shared, holdings, keeper, tellClosed })
      observeJobs.start().catch((error: unknown) => log.warn('could not make up for lost observations', { error }))
      cleanLater()
      lookAtFundsLater()
      log.info('took up the jobs that are not closed', { jobs: jobs.count() })
    },
    stop: () => {
      phase = 'stopped'
      lifetime.end()
      auctioneer.stop()
      keeper.stop()
    },
  }
}
