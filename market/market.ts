import {
  createVerifier,
  type Address,
  type AgentMessage,
  type AgentPeer,
  type Hex,
  type JobId,
  type Log,
  type PeerHandlers,
  type Secp256k1,
  type SignatureDomain,
  type Signer,
  type Timer,
  type World,
} from '@muster/protocol'
import { createAcceptClaims } from './attempt/accept-claims.ts'
import { recordFailures } from './attempt/record-failures.ts'
import { createSendStarts } from './attempt/send-starts.ts'
import { createAuctioneer } from './auction/auctioneer.ts'
import type { BlobStore } from './blob/blob-store.ts'
import { giveBlob } from './blob/give-blob.ts'
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
import type { MarketOptions } from './options.ts'
import { noBugs, type PlantedBug } from './planted-bug.ts'
import { createAdmitProgram } from './program/admit-program.ts'
import type { Store } from './store/store.ts'
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
    readonly log: Log
  }
  readonly submitModules: SubmitJobModules
  /** What the links of agents call. */
  readonly peers: PeerHandlers
  /** Set by whoever runs the link server. */
  issueChallenge: (provider: Address) => Challenge
  acceptEpoch(provider: Address, epoch: number): Promise<boolean>
  /** Takes up every job that is not closed. */
  start(): Promise<void>
  /** Stops deciding; what is under way is found again at the next start. */
  stop(): void
}

export const version = '0.1.0'
const collectEveryMs = 600_000

export const createMarket = (options: MarketOptions, modules: MarketModules): Market => {
  const { world, store, blobs, secp256k1, signer, log, bugs = noBugs } = modules
  const domain: SignatureDomain = { chainId: options.chainId, market: signer.address }
  const verifier = createVerifier(secp256k1)
  const jobs = createJobs()
  const supply = createSupply()
  const depth = createDispatchDepth()
  const holdings = createHoldings()
  const shared = { world, store, supply, verifier, signer, domain, jobs, blobs, depth, log, bugs }
  const openLease = createOpenLease({ ...shared, termMs: options.leaseTermMs, bondPerSlot: options.bondUsdPerSlot })
  const auctioneer = createAuctioneer({ ...shared, openLease })
  const sendStarts = createSendStarts({ blobs, log })
  const keeper = createLeaseKeeper(options, { ...shared, holdings, sendStarts })
  const acceptClaims = createAcceptClaims({ ...shared, maxBlobBytes: options.maxBlobBytes })
  let timers: Timer[] = []
  let isStopped = false

  const openActor = (id: JobId, loaded?: LoadedJob): JobActor =>
    createJobActor(id, loaded, {
      world,
      store,
      log,
      plan: (draft) => planTurn(draft, { world, depthOf: depth.of }),
      act: (actor, draft) => {
        if (isStopped) return
        if (draft.events.some(({ type }) => type === 'submitted')) jobs.add(actor)
        actOnCommit(actor, draft, { supply, auctioneer, keeper, depth, jobs, log })
      },
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

  const onMessage = (peer: AgentPeer, message: AgentMessage): void => {
    switch (message.type) {
      case 'offers':
        try {
          publishOffers(peer, message.offers, { world, verifier, supply, domain })
        } catch (error) {
          log.warn('refused the offers of an agent', { provider: peer.provider, error })
        }
        return
      case 'claims':
        return void acceptClaims(peer, message.claims, message.blobs)
      case 'failures':
        return void recordFailures(peer, message.failures, { jobs, log })
      case 'want':
        return void giveBlob(peer, message, { blobs, log })
      case 'notice':
        return void takeNotice(peer, message, { jobs, log })
      case 'ping':
        peer.send({ type: 'pong', at: world.now() })
    }
  }

  const collect = (): void => {
    timers = [world.after(collectEveryMs, collect)]
    collectBlobs(options.keepBlobsMs, { world, store, blobs, log }).catch((error: unknown) =>
      log.warn('could not collect blobs', { error }),
    )
  }

  return {
    options,
    version,
    domain,
    modules: { world, store, blobs, jobs, supply, log },
    submitModules: { ...shared, admitProgram: createAdmitProgram(blobs), openActor },
    peers: {
      onOpen: (peer) => {
        supply.link(peer)
        log.info('an agent is linked', { provider: peer.provider, epoch: peer.epoch })
        keeper.onLinked(peer)
        void releaseStrays(peer, { holdings, keeper, log })
      },
      onMessage: (peer, message) => {
        if (!isStopped) onMessage(peer, message)
      },
      onClose: (peer, reason) => {
        supply.unlink(peer)
        log.info('an agent is no longer linked', { provider: peer.provider, epoch: peer.epoch, reason })
        if (!isStopped) keeper.onUnlinked(peer)
      },
    },
    issueChallenge: () => {
      throw new Error('no link server is attached')
    },
    acceptEpoch: (provider, epoch) => store.providers.advanceEpoch(provider, epoch, world.now()),
    start: async () => {
      for (const id of await store.jobs.active()) await takeUp(id)
      if (options.keepBlobsMs > 0) timers = [world.after(collectEveryMs, collect)]
      log.info('took up the jobs that are not closed', { jobs: jobs.count() })
    },
    stop: () => {
      isStopped = true
      timers.forEach((timer) => timer.cancel())
      auctioneer.stop()
      keeper.stop()
    },
  }
}
