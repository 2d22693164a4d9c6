import {
  MusterError,
  slotsWanted,
  tellNoFit,
  toProblem,
  type Address,
  type JobId,
  type TenantId,
  type Log,
  type Timer,
  type World,
} from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { unbondedOf, type OfferedCover } from '../ledger/offered-cover.ts'
import type { OpenLease } from '../lease/open-lease.ts'
import type { Supply } from '../supply/supply.ts'
import { demandOf } from './demand-of.ts'
import type { FindNear } from './find-near.ts'
import { releaseAward } from './release-award.ts'
import { declinedMs, runAuction, type Award } from './run-auction.ts'
import { keepTranscript } from './keep-transcript.ts'
import { runSealed, type RunSealedModules, type SealedOutlets, type VainAuction } from './run-sealed.ts'

export interface AuctioneerModules extends RunSealedModules {
  readonly world: World
  readonly supply: Supply
  readonly openLease: OpenLease
  readonly findNear: FindNear
  readonly offeredCover: OfferedCover
  readonly log: Log
}

/** Finds slots for the jobs that want some: at once where there is supply, else as soon as slots come free, oldest job first. */
export interface Auctioneer {
  /** Looks whether the job wants slots. `isTakenUp`: agents are still to link, and a sealed auction waits for them. */
  consider(actor: JobActor, isTakenUp?: boolean): void
  forget(job: JobId): void
  /** Jobs that want slots. */
  count(): number
  stop(): void
}

interface Wanting {
  readonly actor: JobActor
  readonly since: number
  isRunning: boolean
  /** Sealed auctions in a row that gave it less than it wants, and until when (`elapsed`) the next one waits. */
  inVain: number
  restsUntil: number
  /** Its last sealed auction, where nobody bid in time. */
  vain: VainAuction | undefined
  /** The supply it was last matched with: until that changes, another look finds nothing more. */
  lookedAt: number
  /** Providers that do not serve this job, and when they said so. */
  readonly declined: Map<Address, number>
}

const auctionsAtOnce = 64
/** Sealed auctions wait for their windows, and keep no instant one waiting. */
const sealedAtOnce = 64
/** Each holds bids of every agent that fits for as long as its window: one tenant is not to hold them all. */
const sealedOfTenantAtOnce = 8
const firstRestMs = 250
/** How long agents take to link again after a restart: the first of them are not to be the only bidders. */
const agentsLinkMs = 2_000
const longestRestMs = 30_000
const unseen = -1

/** Why a job waits whose bidders need longer than its window. */
const bidsLate = ({ solicited, late }: VainAuction, windowMs: number): MusterError =>
  new MusterError({
    code: 'nothing_fits',
    message: `No bid came within the window of ${windowMs} ms, and ${late.length} of ${solicited} came after it; a longer window lets them in.`,
    facts: { windowMs, solicited, late: late.length },
    retryAfterMs: 10_000,
  })

type AuctionKind = 'instant' | 'sealed'

const kindOf = ({ actor }: Wanting): AuctionKind =>
  actor.peek()?.order.record.auction === undefined ? 'instant' : 'sealed'
/** How long a job wants slots in vain before its tenant is told why. */
const explainAfterMs = 1_000

export const createAuctioneer = (modules: AuctioneerModules): Auctioneer => {
  const { world, supply, findNear, openLease, offeredCover, log } = modules
  /** By age: a job keeps its place until it has its slots. */
  const wanting = new Map<JobId, Wanting>()
  const running = { instant: 0, sealed: 0 }
  const sealedOf = new Map<TenantId, number>()
  let isStopped = false
  let explainTimer: Timer | undefined

  const isFull = (kind: AuctionKind): boolean => running[kind] >= (kind === 'instant' ? auctionsAtOnce : sealedAtOnce)

  /** Whether its tenant has as many sealed auctions under way as it may. */
  const mustWait = (entry: Wanting): boolean => {
    const tenant = entry.actor.peek()?.tenant
    return tenant !== undefined && kindOf(entry) === 'sealed' && (sealedOf.get(tenant) ?? 0) >= sealedOfTenantAtOnce
  }

  const countSealed = ({ actor }: Wanting, change: 1 | -1): void => {
    const tenant = actor.peek()?.tenant
    if (tenant === undefined) return
    const count = (sealedOf.get(tenant) ?? 0) + change
    if (count === 0) sealedOf.delete(tenant)
    else sealedOf.set(tenant, count)
  }

  const want = (actor: JobActor): number => {
    const job = actor.peek()
    return job === undefined ? 0 : slotsWanted(job, world.now())
  }

  const award = async (actor: JobActor, won: Award): Promise<void> => {
    const { provider } = won.peer
    const { offer } = won.reservation.record
    try {
      if (await openLease(actor, won)) return
      void releaseAward(won, log)
    } catch (error) {
      log.warn('could not open a lease', { job: actor.id, provider, error })
      if (error instanceof MusterError && error.code === 'insufficient_bond') supply.rest(provider)
      else supply.standAside(provider, offer)
      void releaseAward(won, log)
    }
  }

  const explain = async ({ actor, declined, vain }: Wanting): Promise<void> => {
    const job = actor.peek()
    const missing = want(actor)
    if (job === undefined || missing === 0) return
    const demand = { ...demandOf(job, modules.termMs), slots: missing }
    const unbonded = unbondedOf(await offeredCover())
    const near = await findNear(demand, { needsSlots: true, unbonded, declined: new Set(declined.keys()) })
    const windowMs = job.order.record.auction?.windowMs
    const isLate = windowMs !== undefined && vain !== undefined && vain.late.length > 0
    const problem = toProblem(isLate ? bidsLate(vain, windowMs) : tellNoFit(demand, near))
    await actor.step((draft) => {
      if (draft.job.closed === null && draft.job.unmatched === null && slotsWanted(draft.job, draft.now) > 0) {
        draft.emit({ type: 'unmatched', at: draft.now, missing, problem })
      }
    })
  }

  const explainLater = (): void => {
    explainTimer ??= world.after(explainAfterMs, () => {
      explainTimer = undefined
      for (const entry of wanting.values()) {
        const job = entry.actor.peek()
        if (!entry.isRunning && want(entry.actor) === 0) leave(entry)
        if (job === undefined || job.unmatched !== null || job.counts.running > 0) continue
        if (entry.isRunning && kindOf(entry) === 'sealed') continue
        if (world.elapsed() - entry.since < explainAfterMs) continue
        explain(entry).catch((error: unknown) =>
          log.warn('could not tell why a job lacks slots', { job: entry.actor.id, error }),
        )
      }
      if (wanting.size > 0) explainLater()
    })
  }

  /** Bidding takes slots and gives them back, so that supply changes without anything new in it: each auction in vain waits longer. */
  const rest = (entry: Wanting, isInVain: boolean): void => {
    entry.inVain = isInVain ? entry.inVain + 1 : 0
    if (!isInVain) return
    const restMs = Math.min(longestRestMs, firstRestMs * 2 ** Math.min(entry.inVain - 1, 16))
    entry.restsUntil = world.elapsed() + restMs
    entry.lookedAt = unseen
    world.after(restMs, pump)
  }

  const outletsOf = (entry: Wanting): SealedOutlets => {
    const { actor, declined } = entry
    return {
      onDeclined: (provider) => void declined.set(provider, world.elapsed()),
      onVain: (vain) => {
        entry.vain = vain
      },
      hasDeclined: (provider) => {
        const at = declined.get(provider)
        return at !== undefined && world.elapsed() - at < declinedMs
      },
      keep: (transcript) => keepTranscript(actor, transcript),
      onAward: (won) => award(actor, won),
    }
  }

  const run = async (entry: Wanting): Promise<void> => {
    const { actor } = entry
    const supplyWas = supply.version()
    const job = actor.peek()
    const slots = want(actor)
    if (job === undefined || slots === 0) return
    const { auction } = job.order.record
    entry.vain = undefined
    const held =
      auction === undefined
        ? await runAuction(job, slots, (won) => award(actor, won), modules, entry.declined)
        : await runSealed(job, auction, Math.min(slots, job.order.record.slots), outletsOf(entry), modules)
    entry.lookedAt = held < slots ? supplyWas : unseen
    if (auction !== undefined) rest(entry, held === 0)
  }

  /** A job that wants nothing because its order has expired may be due to close. */
  const leave = (entry: Wanting): void => {
    const { actor } = entry
    if (wanting.get(actor.id) !== entry) return
    wanting.delete(actor.id)
    const job = actor.peek()
    if (job?.closed === null && job.order.record.expiresAt <= world.now()) actor.wake()
  }

  const start = (entry: Wanting): void => {
    const kind = kindOf(entry)
    entry.isRunning = true
    entry.lookedAt = supply.version()
    running[kind]++
    if (kind === 'sealed') countSealed(entry, 1)
    run(entry)
      .catch((error: unknown) => log.error('an auction failed', { job: entry.actor.id, error }))
      .finally(() => {
        running[kind]--
        if (kind === 'sealed') countSealed(entry, -1)
        entry.isRunning = false
        if (want(entry.actor) === 0) leave(entry)
        pump()
      })
  }

  const pump = (): void => {
    for (const entry of wanting.values()) {
      if (isStopped || !supply.hasFree() || (isFull('instant') && isFull('sealed'))) break
      if (entry.isRunning || isFull(kindOf(entry)) || mustWait(entry) || entry.restsUntil > world.elapsed()) continue
      if (entry.lookedAt !== supply.version()) start(entry)
    }
    if (wanting.size > 0 && !isStopped) explainLater()
  }

  supply.onFreed(pump)

  return {
    consider: (actor, isTakenUp = false) => {
      if (isStopped || want(actor) === 0 || wanting.has(actor.id)) return
      const now = world.elapsed()
      const restMs = isTakenUp && actor.peek()?.order.record.auction !== undefined ? agentsLinkMs : 0
      const fresh = {
        isRunning: false,
        inVain: 0,
        restsUntil: now + restMs,
        vain: undefined,
        lookedAt: unseen,
        declined: new Map(),
      }
      wanting.set(actor.id, { actor, since: now, ...fresh })
      if (restMs > 0) world.after(restMs, pump)
      pump()
    },
    forget: (job) => void wanting.delete(job),
    count: () => wanting.size,
    stop: () => {
      isStopped = true
    },
  }
}
