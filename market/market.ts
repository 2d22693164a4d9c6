import {
  createVerifier,
  type Address,
  type AgentMessage,
  type AgentPeer,
  type Hex,
  type Log,
  type PeerHandlers,
  type Secp256k1,
  type SignatureDomain,
  type Signer,
  type World,
} from '@muster/protocol'
import { createAllowedOffers } from './admin/allowed-offers.ts'
import { createAdminDesk, type AdminDesk } from './admin/admin-desk.ts'
import { createDenials, type Denials } from './admin/denials.ts'
import { createDrain, type Drain } from './admin/drain.ts'
import { createLastAudit, type LastAudit } from './admin/last-audit.ts'
import { createStoreMeter, type StoreMeter } from './admin/store-meter.ts'
import { createWatchFunds, type FundsWatch } from './account/watch-funds.ts'
import { createAcceptClaims } from './attempt/accept-claims.ts'
import { recordFailures } from './attempt/record-failures.ts'
import { createPackStarts } from './attempt/pack-starts.ts'
import { createAuctioneer } from './auction/auctioneer.ts'
import { createFindNear, type FindNear } from './auction/find-near.ts'
import { createFindOffers, createListStanding, type FindOffers, type ListStanding } from './auction/find-offers.ts'
import { createGiveTranscript } from './auction/give-transcript.ts'
import { createRecentTranscripts, type ReadTranscript } from './auction/recent-transcripts.ts'
import { benchmarkOptions, createBenchmarkDesk, type BenchmarkDesk } from './benchmark/benchmark-desk.ts'
import type { BlobStore } from './blob/blob-store.ts'
import { createGiveBlobs } from './blob/give-blobs.ts'
import { createNeededBlobs } from './blob/needed-blobs.ts'
import { createCluster, type Cluster, type ClusterLink } from './cluster/cluster.ts'
import { createLearnFacts, createSetFact } from './cluster/market-facts.ts'
import { createJobs, type Jobs } from './job/jobs.ts'
import { createOwnJobs } from './job/own-jobs.ts'
import type { SubmitJobModules } from './job/submit-job.ts'
import type { AmendLeaseModules } from './lease/amend-lease.ts'
import { createDispatchDepth } from './lease/dispatch-depth.ts'
import { createHoldings } from './lease/holdings.ts'
import { createLeaseKeeper } from './lease/lease-keeper.ts'
import { createOpenLease } from './lease/open-lease.ts'
import { takeNotice } from './lease/take-notice.ts'
import { createTrimLeases } from './lease/trim-leases.ts'
import { createTellClosed } from './lease/tell-closed.ts'
import { createUntoldClosings } from './lease/untold-closings.ts'
import { createLinkedAgents } from './link/linked-agents.ts'
import { createBondCover } from './ledger/bond-cover.ts'
import { createOfferedCover, type OfferedCover } from './ledger/offered-cover.ts'
import { createAcceptEpoch } from './provider/accept-epoch.ts'
import { createObserveJobs } from './provider/observe-jobs.ts'
import { createTransferTimes } from './provider/transfer-times.ts'
import { createProviderRecords, type ProviderRecords } from './provider/provider-records.ts'
import { createNames, type Names } from './personal/names.ts'
import { createPriceBoard, type PriceBoard } from './price-index/price-board.ts'
import { createStandingOrderDesk, type StandingOrderDesk } from './standing-order/standing-orders.ts'
import { startHousekeeping } from './housekeeping.ts'
import { version } from './version.ts'
import { createLifetime } from './lifetime.ts'
import type { MarketOptions } from './options.ts'
import { noBugs, type PlantedBug } from './planted-bug.ts'
import { createAdmitProgram } from './program/admit-program.ts'
import { checkModelHere, type CheckModel } from './program/check-model.ts'
import type { Store } from './store/store.ts'
import { createSupply, type Supply } from './supply/supply.ts'
import { createTakeOffers } from './supply/take-offers.ts'

export interface MarketModules {
  readonly world: World
  readonly store: Store
  readonly blobs: BlobStore
  readonly secp256k1: Secp256k1
  readonly signer: Signer
  readonly log: Log
  readonly bugs?: ReadonlySet<PlantedBug>
  /** What is kept about people lies sealed under it: 32 bytes, as good a secret as the market's key. */
  readonly personalSecret: Uint8Array
  /** How this node is one of several; left out, it has the store to itself. */
  readonly cluster?: ClusterLink
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
    readonly findOffers: FindOffers
    readonly listStanding: ListStanding
    readonly findNear: FindNear
    readonly offeredCover: OfferedCover
    readonly records: ProviderRecords
    readonly benchmarks: BenchmarkDesk
    readonly funds: FundsWatch
    readonly names: Names
    readonly prices: PriceBoard
    readonly transcripts: ReadTranscript
    readonly standingOrders: StandingOrderDesk
    readonly log: Log
  }
  readonly submitModules: SubmitJobModules
  readonly amendModules: AmendLeaseModules
  /** Where this node may be one of several. */
  readonly cluster: Cluster | undefined
  readonly admin: Omit<AdminDesk, 'applyHere' | 'hear' | 'requireWelcome'> & {
    readonly drain: Drain
    readonly denials: Denials
    readonly meter: Pick<StoreMeter, 'read'>
    readonly audits: LastAudit
  }
  /** What the links of agents call. */
  readonly peers: PeerHandlers
  /** Set by whoever runs the link server. */
  issueChallenge: (provider: Address) => Challenge
  /** Set by whoever runs the link server: closes a link that is older than this epoch. */
  supersede: (provider: Address, epoch: number) => void
  /** Set by whoever serves the HTTP API: answers what other nodes pass on. */
  fetch: (request: Request) => Promise<Response>
  acceptEpoch: (provider: Address, epoch: number) => Promise<boolean>
  /** When a linked agent last said something (wall-clock ms); `undefined` where none of the provider is linked here. */
  heardAt: (provider: Address) => number | undefined
  /** Takes up every job that is not closed. */
  start(): Promise<void>
  /** Stops deciding; what is under way is found again at the next start, or by the other nodes, at once. */
  stop(): Promise<void>
}

export const createMarket = (options: MarketOptions, modules: MarketModules): Market => {
  const { blobs, secp256k1, signer, log, bugs = noBugs, checkModel = checkModelHere } = modules
  const lifetime = createLifetime(modules.world)
  const { world } = lifetime
  const meter = createStoreMeter(modules.store, world)
  const { store } = meter
  const setFact = createSetFact({ store, isShared: modules.cluster !== undefined, tell: () => cluster?.tell('facts') })
  const drain = createDrain(world, (draining) => setFact('drain', draining))
  const audits = createLastAudit((audit) => {
    setFact('audit', audit).catch((error: unknown) => log.info('could not tell other nodes of an audit', { error }))
  })
  const denials = createDenials({ world, store })
  const allowedOffers = createAllowedOffers(denials)
  const domain: SignatureDomain = { chainId: options.chainId, market: signer.address }
  const verifier = createVerifier(secp256k1)
  const jobs = createJobs()
  const local = createSupply(world, (provider) => benchmarks.standingOf(provider))
  const cluster =
    modules.cluster === undefined
      ? undefined
      : createCluster({
          link: modules.cluster,
          world,
          store,
          log,
          local,
          jobs,
          market: signer.address,
          version,
          timeoutMs: options.nodeTimeoutMs,
          load: () => ({ links: local.linkedCount(), jobs: jobs.count() }),
          takeUp: (id) => ownJobs.takeUp(id),
          letGo: () => ownJobs.letGo(),
          onFacts: (facts, askedAt) => {
            if (cluster?.isShared === true) learnFacts(facts, askedAt)
          },
          handlers: {
            take: (peer, message) => {
              if (phase === 'running') onMessage(peer, message)
            },
            hasLease: (lease) => keeper.has(lease),
            needs: (provider, cid) => isNeeded(provider, cid),
            deny: (denial) => desk.hear(denial),
            out: () => agents.sendAway(),
            fetch: (request) => market.fetch(request),
          },
          isDenied: allowedOffers.isDenied,
          onLinked: (peer) => {
            keeper.onLinked(peer)
            untold.again(peer.provider)
          },
          // A node that is gone may have closed leases that it told nobody of.
          onNodes: () => {
            if (phase === 'running') agents.releaseStrays(true)
          },
          onUnlinked: (peer) => keeper.onUnlinked(peer),
          supersede: (provider, epoch) => market.supersede(provider, epoch),
        })
  const supply = cluster?.supply ?? local
  const findOffers = createFindOffers(local, cluster?.offers.scatter)
  const listStanding = createListStanding(local, () =>
    cluster?.isShared === true ? cluster.offers.standing : undefined,
  )
  const findNear = createFindNear({
    world,
    supply: local,
    ...(cluster === undefined ? {} : { elsewhere: cluster.offers.standing }),
    standingsOf: (providers) => benchmarks.standingsOf(providers),
  })
  const depth = createDispatchDepth()
  const holdings = createHoldings()
  const names = createNames({ world, store, personalSecret: modules.personalSecret })
  const shared = {
    world,
    store,
    supply,
    findOffers,
    listStanding,
    findNear,
    verifier,
    signer,
    domain,
    jobs,
    blobs,
    depth,
    log,
    bugs,
    names,
    ...(cluster === undefined ? {} : { elsewhere: cluster.elsewhere, findStrays: cluster.findStrays }),
  }
  const prices = createPriceBoard({ ...shared, isOver: lifetime.isOver })
  const funds = createWatchFunds({ warnBelowMs: options.lowBalanceHours, graceMs: options.emptyGraceMs }, shared)
  const untold = createUntoldClosings(createTellClosed(shared))
  const tellClosed = cluster === undefined ? createTellClosed(shared) : untold.tell
  const openLease = createOpenLease({ ...shared, termMs: options.leaseTermMs, bondPerSlot: options.bondUsdPerSlot })
  const bondCover = createBondCover({ store, bondPerSlot: options.bondUsdPerSlot, log })
  const offeredCover = createOfferedCover({ ...shared, bondCover })
  const desk = createAdminDesk({ world, jobs, local, denials, drain, allowedOffers, keeper: () => keeper, cluster })
  const openAllowed: typeof openLease = async (actor, won) =>
    !allowedOffers.isDenied(won.offer) && openLease(actor, won)
  const downMbpsOf = (provider: Address): number | undefined => benchmarks.standingOf(provider)?.downMbps
  const transfers = createTransferTimes({ blobs, downMbpsOf, log })
  const records = createProviderRecords({ world, store, transfers, log })
  const benchmarks = createBenchmarkDesk(benchmarkOptions(options), { ...shared, observe: records.add })
  const observeJobs = createObserveJobs({ world, store, records, isOver: lifetime.isOver, log })
  const auctioneer = createAuctioneer({
    ...shared,
    openLease: openAllowed,
    bondCover,
    offeredCover,
    records,
    termMs: options.leaseTermMs,
  })
  const amendModules: AmendLeaseModules = { world, supply, signer, verifier, domain }
  const trim = createTrimLeases({ ...amendModules, log, isOver: lifetime.isOver })
  const keeper = createLeaseKeeper(options, {
    ...shared,
    holdings,
    tellClosed,
    knowsLinksSince: (at) => (cluster?.lookedAt() ?? Infinity) > at,
    packStarts: createPackStarts({ blobs }),
    reconsider: auctioneer.consider,
  })
  const isNeeded = createNeededBlobs({ blobs, jobsOf: keeper.jobsOf })
  const giveBlob = createGiveBlobs({
    blobs,
    lent: benchmarks.blobFor,
    log,
    isNeeded: async (provider, cid) =>
      (await isNeeded(provider, cid)) || (await cluster?.isNeededElsewhere(provider, cid)) === true,
  })
  const transcripts = createRecentTranscripts({ world, store })
  const giveTranscript = createGiveTranscript({ transcripts, log })
  const acceptClaims = createAcceptClaims({
    ...shared,
    maxBlobBytes: options.maxBlobBytes,
    feeBasisPoints: options.feeBasisPoints,
  })
  let phase: 'new' | 'running' | 'stopped' = 'new'

  const ownJobs = createOwnJobs({
    ...shared,
    auctioneer,
    keeper,
    trim,
    cluster,
    observeJobs,
    denialOf: (job) => denials.ofJob(job.tenant, job.spec.program),
    isRunning: () => phase === 'running',
    isOver: lifetime.isOver,
    onClosed: (job) => standingOrders.jobClosed(job),
    snapshotEvery: options.snapshotEvents,
  })

  const takeOffers = createTakeOffers({ ...shared, allowedOffers, denials, benchmarks })
  const learnFacts = createLearnFacts({ store, drain, audits, denials, apply: desk.applyHere, log })

  const submitModules: SubmitJobModules = {
    ...shared,
    admitProgram: createAdmitProgram({ world, blobs, checkModel }),
    offeredCover,
    openActor: ownJobs.open,
    leaseTermMs: options.leaseTermMs,
    requireWelcome: desk.requireWelcome,
  }
  const standingOrders = createStandingOrderDesk({
    world,
    submit: { ...submitModules, names },
    match: { supply, findOffers, bondCover },
    drain,
    isOver: lifetime.isOver,
    log,
  })

  const onMessage = (peer: AgentPeer, message: AgentMessage): void => {
    switch (message.type) {
      case 'offers':
        return takeOffers(peer, message)
      case 'claims':
        return void acceptClaims(peer, message.batches, message.blobs)
      case 'failures':
        return void recordFailures(peer, message.failures, { ...shared, isOver: keeper.isOver })
      case 'want':
        return giveBlob(peer, message)
      case 'want-transcript':
        return giveTranscript(peer, message.auction)
      case 'notice':
        return void takeNotice(peer, message, { world, keeper, log })
      case 'ping':
        peer.send({ type: 'pong', at: world.now() })
    }
  }

  const agents = createLinkedAgents({
    ...shared,
    local,
    cluster,
    keeper,
    holdings,
    tellClosed,
    untold,
    allowedOffers,
    benchmarks,
    onMessage: cluster?.isShared === true ? cluster.route : onMessage,
    phase: () => phase,
    isOver: lifetime.isOver,
  })

  const market: Market = {
    options,
    version,
    domain,
    cluster,
    modules: { ...shared, offeredCover, records, benchmarks, funds, prices, transcripts, standingOrders },
    submitModules,
    amendModules,
    admin: {
      drain,
      denials,
      meter,
      audits,
      denialOf: desk.denialOf,
      apply: desk.apply,
      requireTenant: desk.requireTenant,
      requireProvider: desk.requireProvider,
    },
    peers: agents.handlers,
    issueChallenge: () => {
      throw new Error('no link server is attached')
    },
    supersede: () => {},
    fetch: () => Promise.reject(new Error('no HTTP API is attached')),
    acceptEpoch: createAcceptEpoch({ world, store, supply }),
    heardAt: agents.heardAt,
    start: async () => {
      await denials.load()
      if (cluster === undefined) await ownJobs.takeUpAll(await store.jobs.active())
      else await cluster.start()
      if (phase !== 'new') return
      phase = 'running'
      agents.releaseStrays(false)
      observeJobs.start().catch((error: unknown) => log.warn('could not make up for lost observations', { error }))
      startHousekeeping(options, { ...shared, records, prices, benchmarks, funds })
      prices.keeper.start()
      standingOrders.start()
      log.info('took up the jobs that are not closed', { jobs: jobs.count() })
    },
    stop: async () => {
      phase = 'stopped'
      lifetime.end()
      auctioneer.stop()
      keeper.stop()
      await cluster?.stop()
    },
  }
  return market
}
