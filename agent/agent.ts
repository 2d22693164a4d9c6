import {
  freeCapacity,
  MusterError,
  type Address,
  type AttemptId,
  type CapacityTotal,
  type DialMarket,
  type LeaseId,
  type Log,
  type Maintenance,
  type Signer,
  type Timer,
  type Verifier,
  type World,
} from '@muster/protocol'
import { newBids, type AuctionProof } from './auction/bids.ts'
import { createLogBook, defaultLogBook } from './attempt/log-book.ts'
import type { Bench } from './benchmark/bench.ts'
import { createBenchmarkDesk } from './benchmark/benchmark-desk.ts'
import type { BlobCache } from './blob/blob-cache.ts'
import { createWants } from './blob/wants.ts'
import { newBook, type AttemptPhase, type ClosedDoor } from './book/book.ts'
import { loadBook, resumeWork } from './book/load-book.ts'
import { createOutbox } from './claim/outbox.ts'
import type { ClaimCounts } from './earning/claim-counts.ts'
import { countClaims } from './earning/count-claims.ts'
import { domainOf, type AgentContext } from './context.ts'
import { drainAgent } from './drain-agent.ts'
import type { Journal } from './journal/journal.ts'
import type { JournalChange } from './journal/journal-record.ts'
import { yieldLeases } from './lease/return-leases.ts'
import { createMaintenancePlan } from './maintenance/plan.ts'
import { createMaintenanceWatch } from './maintenance/watch-maintenance.ts'
import { stepLifecycle, type Lifecycle } from './lifecycle.ts'
import { joinMarket } from './market/join-market.ts'
import { leaveMarket } from './market/leave-market.ts'
import { createMarketRecords } from './market/market-records.ts'
import { marketStatus, type MarketStatus } from './market/market-status.ts'
import { createMarkets } from './market/markets.ts'
import { createOfferDesk, type OfferDesk } from './offer/offer-desk.ts'
import type { AgentOptions } from './options.ts'
import { createPricing, type OwnPricing } from './price/pricing.ts'
import type { PricePolicy } from './price/price-policy.ts'
import { watchOwner, type OwnerWatch, type SampleLoad } from './owner/watch-owner.ts'
import { releaseAll } from './reservation/release-all.ts'
import type { Workload } from './workload/workload.ts'

/** What an agent is put together from. Those that hold something open are closed by whoever made them. */
export interface AgentModules {
  readonly world: World
  readonly signer: Signer
  readonly verifier: Verifier
  readonly journal: Journal
  readonly blobs: BlobCache
  /** Where claims are counted, for the owner to hold receipts against. */
  readonly claimCounts?: Pick<ClaimCounts, 'add'>
  readonly workloads: readonly Workload[]
  /** How each market of the options is reached. */
  readonly dialOf: (market: Address) => DialMarket
  /** Whether more markets are to be joined, so that an agent that is left with none stays. */
  readonly isExpectingMarkets?: () => boolean
  readonly log: Log
  /** Keeps a proof that a market did not run an auction by its rule; it is logged in any case. */
  readonly onBreach?: (proof: AuctionProof) => void
  /** Measures the machine for markets that ask; without it they are told that its owner allows none. */
  readonly bench?: Bench
  /** Needed where `options.owner` is set. */
  readonly sampleLoad?: SampleLoad
}

/** What an agent holds, for whoever looks from outside. */
export interface AgentStatus {
  readonly lifecycle: Lifecycle
  readonly door: ClosedDoor
  readonly total: CapacityTotal
  readonly free: CapacityTotal
  /** Reservations that no lease has followed. */
  readonly reservations: number
  readonly leases: readonly LeaseId[]
  readonly attempts: readonly { readonly id: AttemptId; readonly phase: AttemptPhase }[]
  readonly markets: readonly MarketStatus[]
}

export interface Agent {
  readonly provider: Address
  status(): AgentStatus
  /** Reads the journal, takes up what it promised and links to its markets. Throws `transition_refused` the second time. */
  start(): Promise<void>
  /** Sells to one more market from now on. One that it sells to already changes nothing; throws `conflict` while it is being left. */
  join(market: Address, dial: DialMarket): void
  /**
   * Sells to this market no more: gives its leases back with notice, lets what runs finish and claims be settled, within bounds; then
   * unlinks. With `isForgotten` at once, and what it owes is given up.
   */
  leave(market: Address, isForgotten?: boolean): Promise<void>
  /** Asks by another policy from now on: offers are published anew; what was offered before holds as long as the offer does. */
  reprice(policy: PricePolicy): void
  /** Announces this maintenance, beside that of the options, in the place of what was announced so before. */
  maintain(windows: readonly Maintenance[]): void
  /** Takes no new work, gives notice, lets running attempts finish and claims be settled, within bounds; then stops. */
  drain(): Promise<void>
  /** Stops at once. The journal keeps what was not finished; safe in every state. */
  stop(): Promise<void>
  /** Resolves once stopped: with the error where the agent stopped by itself. */
  readonly stopped: Promise<MusterError | null>
}

/** How long what was settled waits for another commit to go along with, so that it hardly ever has one of its own. */
const laterMs = 5000

const stoppedError = (): MusterError => new MusterError({ code: 'cancelled', message: 'The agent has stopped.' })

const createContext = (
  options: AgentOptions,
  modules: AgentModules,
  pricing: OwnPricing,
  signal: AbortSignal,
): AgentContext => {
  const { world, signer, verifier, journal, blobs, log } = modules
  let later: JournalChange[] = []
  let laterTimer: Timer | null = null
  /** What waits goes first, so that the journal hears of everything in the order in which it happened. */
  const takeLater = (changes: readonly JournalChange[]): readonly JournalChange[] => {
    if (later.length === 0) return changes
    const all = [...later, ...changes]
    later = []
    laterTimer?.cancel()
    laterTimer = null
    return all
  }
  const write = async (changes: readonly JournalChange[]): Promise<void> => {
    if (signal.aborted) throw stoppedError()
    await journal.commit(takeLater(changes))
    if (signal.aborted) throw stoppedError()
  }
  const warn = (error: unknown): void => {
    if (!signal.aborted) log.error('the journal could not be written', { error })
  }
  const writeLater = (changes: readonly JournalChange[]): void => {
    if (changes.length > 0) write(changes).catch(warn)
  }
  const flushLater = (): void => {
    if (later.length > 0) journal.commit(takeLater([])).catch(warn)
  }
  const writeAlong = (changes: readonly JournalChange[]): void => {
    if (changes.length === 0 || signal.aborted) return
    later.push(...changes)
    laterTimer ??= world.after(laterMs, flushLater)
  }
  signal.addEventListener('abort', flushLater, { once: true })
  const book = newBook(options.capacity)
  const markets = createMarkets(options.markets)
  const marketRecords = createMarketRecords({ world, write: writeAlong, onChange: () => offers.changed() })
  const workloads = new Map(modules.workloads.map((workload) => [workload.kind, workload]))
  const writes = { write, writeLater, writeAlong }
  const base = {
    options,
    world,
    signer,
    verifier,
    blobs,
    workloads,
    log,
    book,
    bids: newBids(),
    onBreach: modules.onBreach ?? (() => {}),
    markets,
    marketRecords,
    pricing,
    maintenance: createMaintenancePlan(options.maintenance, { world }),
    ...writes,
    signal,
  }
  const domainOfMarket = (market: Address) => domainOf(base, market)
  const wants = createWants(options, base)
  const benchmarks = createBenchmarkDesk({ ...base, wants }, modules.bench)
  const desk = createOfferDesk(base)
  const offers: OfferDesk = {
    ...desk,
    changed: () => {
      benchmarks.makeRoom()
      desk.changed()
    },
  }
  return {
    ...base,
    offers,
    outbox: createOutbox(options, {
      ...base,
      domainOf: domainOfMarket,
      onClaimed: (market, claims) =>
        countClaims(market, claims, { marketRecords, claimCounts: modules.claimCounts, now: world.now() }),
    }),
    wants,
    benchmarks,
    logBook: createLogBook(defaultLogBook),
  }
}

/** The keeping of one market's link. */
interface Link {
  readonly abort: AbortController
  ended: Promise<void>
  /** Why it was given up. */
  problem: MusterError | null
}

const asMusterError = (error: unknown): MusterError =>
  error instanceof MusterError
    ? error
    : new MusterError({ code: 'internal', message: 'The link to this market failed.', fault: 'provider', cause: error })

/** The composition root of an agent: everything it touches comes in through `modules`. */
export const createAgent = (options: AgentOptions, modules: AgentModules): Agent => {
  const { world, log, signer, journal } = modules
  const abort = new AbortController()
  const ended = Promise.withResolvers<MusterError | null>()
  const pricing = createPricing(options.prices)
  const context = createContext(options, modules, pricing, abort.signal)
  const { book } = context
  const maintenanceWatch = createMaintenanceWatch(context)
  let lifecycle: Lifecycle = 'starting'
  const links = new Map<Address, Link>()
  let owner: OwnerWatch | null = null
  let isStarted = false
  let draining: Promise<void> | null = null

  const yieldTo = (isBusy: boolean): void => {
    if (lifecycle !== 'running') return
    log.info(isBusy ? "the machine's owner needs it: no new work" : 'the machine is quiet again', {})
    book.door = isBusy ? 'owner' : null
    if (isBusy) {
      releaseAll(context)
      yieldLeases(context, options.noticeMs)
    }
    context.offers.changed()
  }

  const stop = async (reason: MusterError | null = null): Promise<void> => {
    lifecycle = stepLifecycle(lifecycle, 'stop')
    if (!abort.signal.aborted) {
      abort.abort(stoppedError())
      for (const own of links.values()) own.abort.abort(stoppedError())
      owner?.stop()
      context.offers.stop()
      context.outbox.stop()
      context.wants.stop()
      context.marketRecords.stop()
      for (const { timer } of book.reservations.values()) timer?.cancel()
      for (const { timer } of context.bids.held.values()) timer?.cancel()
      for (const attempt of book.attempts.values()) attempt.abort.abort(stoppedError())
    }
    await Promise.allSettled([...links.values()].map(({ ended: unlinked }) => unlinked))
    context.markets.close()
    ended.resolve(reason)
  }

  const giveUp = (market: Address, link: Link, error: unknown): void => {
    log.error('this market is given up', { market, error })
    link.problem = asMusterError(error)
    const isLast = [...links.values()].every(({ problem }) => problem !== null)
    if (isLast && modules.isExpectingMarkets?.() !== true) void stop(link.problem)
  }

  const link = (market: Address, dial: DialMarket): void => {
    const own: Link = { abort: new AbortController(), ended: Promise.resolve(), problem: null }
    links.set(market, own)
    const nextEpoch = (atLeast: number) => journal.nextEpoch(market, atLeast)
    own.ended = joinMarket(context, market, dial, nextEpoch, own.abort.signal).catch((error: unknown) =>
      giveUp(market, own, error),
    )
  }

  const join = (market: Address, dial: DialMarket): void => {
    if (abort.signal.aborted) throw stoppedError()
    const known = links.get(market)
    if (known !== undefined && known.problem === null) {
      if (context.markets.isOpen(market)) return
      throw new MusterError({ code: 'conflict', message: 'The agent is still leaving this market.', facts: { market } })
    }
    context.markets.join(market)
    link(market, dial)
  }

  const leave = async (market: Address, isForgotten = false): Promise<void> => {
    const own = links.get(market)
    if (own === undefined || !context.markets.isOpen(market)) return
    try {
      await leaveMarket(context, market, isForgotten)
    } finally {
      own.abort.abort(stoppedError())
      await own.ended
      links.delete(market)
      context.markets.remove(market)
      context.offers.changed()
    }
  }

  return {
    provider: signer.address,
    stopped: ended.promise,
    status: () => ({
      lifecycle,
      door: book.door,
      total: options.capacity,
      free: freeCapacity(book.capacity, world.now()),
      reservations: [...book.reservations.values()].filter(({ lease }) => lease === null).length,
      leases: [...book.leases.keys()],
      attempts: [...book.attempts.values()].map(({ id, phase }) => ({ id, phase })),
      markets: [...links].map(([market, { problem }]) => marketStatus(context, market, problem)),
    }),
    start: async () => {
      if (isStarted || lifecycle !== 'starting') stepLifecycle('stopped', 'started')
      isStarted = true
      await loadBook(context, await journal.load())
      if (abort.signal.aborted) return
      lifecycle = stepLifecycle(lifecycle, 'started')
      resumeWork(context)
      if (options.owner !== null && modules.sampleLoad !== undefined) {
        owner = watchOwner(options.owner, { world, log, sampleLoad: modules.sampleLoad }, yieldTo)
      }
      maintenanceWatch.look()
      for (const market of options.markets) link(market, modules.dialOf(market))
      context.benchmarks.introduce()
    },
    join,
    leave,
    reprice: pricing.exchange,
    maintain: (windows) => {
      context.maintenance.exchange(windows)
      if (isStarted) maintenanceWatch.look()
    },
    drain: () => {
      lifecycle = stepLifecycle(lifecycle, 'drain')
      if (lifecycle === 'stopped') return stop()
      draining ??= drainAgent(context)
        .catch((error: unknown) => {
          if (!abort.signal.aborted) log.error('the agent could not drain', { error })
        })
        .then(() => stop())
      return draining
    },
    stop: () => stop(),
  }
}
