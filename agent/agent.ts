import {
  freeCapacity,
  MusterError,
  type Address,
  type AttemptId,
  type CapacityTotal,
  type DialMarket,
  type LeaseId,
  type Log,
  type Signer,
  type Timer,
  type Verifier,
  type World,
} from '@muster/protocol'
import { createLogBook, defaultLogBook } from './attempt/log-book.ts'
import type { BlobCache } from './blob/blob-cache.ts'
import { createWants } from './blob/wants.ts'
import { newBook, type AttemptPhase, type ClosedDoor } from './book/book.ts'
import { loadBook, resumeWork } from './book/load-book.ts'
import { createOutbox } from './claim/outbox.ts'
import { domainOf, type AgentContext } from './context.ts'
import { drainAgent } from './drain-agent.ts'
import type { Journal } from './journal/journal.ts'
import type { JournalChange } from './journal/journal-record.ts'
import { returnLeases } from './lease/return-leases.ts'
import { stepLifecycle, type Lifecycle } from './lifecycle.ts'
import { joinMarket } from './market/join-market.ts'
import { createMarkets } from './market/markets.ts'
import { createOfferDesk } from './offer/offer-desk.ts'
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
  readonly workloads: readonly Workload[]
  /** How each market of the options is reached. */
  readonly dialOf: (market: Address) => DialMarket
  readonly log: Log
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
}

export interface Agent {
  readonly provider: Address
  status(): AgentStatus
  /** Reads the journal, takes up what it promised and links to its markets. Throws `transition_refused` the second time. */
  start(): Promise<void>
  /** Asks by another policy from now on: offers are published anew; what was offered before holds as long as the offer does. */
  reprice(policy: PricePolicy): void
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
  const workloads = new Map(modules.workloads.map((workload) => [workload.kind, workload]))
  const writes = { write, writeLater, writeAlong }
  const base = { options, world, signer, verifier, blobs, workloads, log, book, markets, pricing, ...writes, signal }
  const domainOfMarket = (market: Address) => domainOf(base, market)
  return {
    ...base,
    offers: createOfferDesk(base),
    outbox: createOutbox(options, { ...base, domainOf: domainOfMarket }),
    wants: createWants(options, base),
    logBook: createLogBook(defaultLogBook),
  }
}

/** The composition root of an agent: everything it touches comes in through `modules`. */
export const createAgent = (options: AgentOptions, modules: AgentModules): Agent => {
  const { world, log, signer, journal } = modules
  const abort = new AbortController()
  const ended = Promise.withResolvers<MusterError | null>()
  const pricing = createPricing(options.prices)
  const context = createContext(options, modules, pricing, abort.signal)
  const { book } = context
  let lifecycle: Lifecycle = 'starting'
  let links: Promise<void>[] = []
  let owner: OwnerWatch | null = null
  let isStarted = false
  let draining: Promise<void> | null = null

  const yieldTo = (isBusy: boolean): void => {
    if (lifecycle !== 'running') return
    log.info(isBusy ? "the machine's owner needs it: no new work" : 'the machine is quiet again', {})
    book.door = isBusy ? 'owner' : null
    if (isBusy) {
      releaseAll(context)
      returnLeases(context, world.now() + options.noticeMs)
    }
    context.offers.changed()
  }

  const stop = async (reason: MusterError | null = null): Promise<void> => {
    lifecycle = stepLifecycle(lifecycle, 'stop')
    if (!abort.signal.aborted) {
      abort.abort(stoppedError())
      owner?.stop()
      context.offers.stop()
      context.outbox.stop()
      context.wants.stop()
      for (const { timer } of book.reservations.values()) timer?.cancel()
      for (const attempt of book.attempts.values()) attempt.abort.abort(stoppedError())
    }
    await Promise.allSettled(links)
    context.markets.close()
    ended.resolve(reason)
  }

  const link = (): void => {
    let alive = options.markets.length
    links = options.markets.map((market) =>
      joinMarket(context, market, modules.dialOf(market), (atLeast) => journal.nextEpoch(market, atLeast)).catch(
        (error: unknown) => {
          alive--
          log.error('this market is given up', { market, error })
          const isDuplicate = error instanceof MusterError && error.code === 'link_superseded'
          if (isDuplicate || alive === 0) void stop(error instanceof MusterError ? error : null)
        },
      ),
    )
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
      link()
    },
    reprice: pricing.exchange,
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
