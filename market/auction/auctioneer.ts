import {
  MusterError,
  explainNoFit,
  slotsWanted,
  toProblem,
  type Address,
  type JobId,
  type Log,
  type Timer,
  type World,
} from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { unbondedOf, type OfferedCover } from '../ledger/offered-cover.ts'
import type { OpenLease } from '../lease/open-lease.ts'
import type { Supply } from '../supply/supply.ts'
import { releaseAward } from './release-award.ts'
import { runAuction, type Award, type RunAuctionModules } from './run-auction.ts'

export interface AuctioneerModules extends RunAuctionModules {
  readonly world: World
  readonly supply: Supply
  readonly openLease: OpenLease
  readonly offeredCover: OfferedCover
  readonly log: Log
}

/** Finds slots for the jobs that want some: at once where there is supply, else as soon as slots come free, oldest job first. */
export interface Auctioneer {
  /** Looks whether the job wants slots. */
  consider(actor: JobActor): void
  forget(job: JobId): void
  /** Jobs that want slots. */
  count(): number
  stop(): void
}

interface Wanting {
  readonly actor: JobActor
  readonly since: number
  isRunning: boolean
  /** The supply it was last matched with: until that changes, another look finds nothing more. */
  lookedAt: number
  /** Providers that do not serve this job, and when they said so. */
  readonly declined: Map<Address, number>
}

const auctionsAtOnce = 64
const unseen = -1
/** How long a job wants slots in vain before its tenant is told why. */
const explainAfterMs = 1_000

export const createAuctioneer = (modules: AuctioneerModules): Auctioneer => {
  const { world, supply, openLease, offeredCover, log } = modules
  /** By age: a job keeps its place until it has its slots. */
  const wanting = new Map<JobId, Wanting>()
  let running = 0
  let isStopped = false
  let explainTimer: Timer | undefined

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

  const explain = async ({ actor, declined }: Wanting): Promise<void> => {
    const job = actor.peek()
    const missing = want(actor)
    if (job === undefined || missing === 0) return
    const problem = toProblem(
      explainNoFit(
        { ...job.order.record, execSpec: job.execSpec, slots: missing },
        supply.believed(),
        world.now(),
        unbondedOf(await offeredCover()),
        new Set(declined.keys()),
      ),
    )
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
        if (world.elapsed() - entry.since < explainAfterMs) continue
        explain(entry).catch((error: unknown) =>
          log.warn('could not tell why a job lacks slots', { job: entry.actor.id, error }),
        )
      }
      if (wanting.size > 0) explainLater()
    })
  }

  const run = async (entry: Wanting): Promise<void> => {
    const { actor } = entry
    const supplyWas = supply.version()
    const job = actor.peek()
    const slots = want(actor)
    if (job === undefined || slots === 0) return
    const held = await runAuction(job, slots, (won) => award(actor, won), modules, entry.declined)
    entry.lookedAt = held < slots ? supplyWas : unseen
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
    entry.isRunning = true
    entry.lookedAt = supply.version()
    running++
    run(entry)
      .catch((error: unknown) => log.error('an auction failed', { job: entry.actor.id, error }))
      .finally(() => {
        running--
        entry.isRunning = false
        if (want(entry.actor) === 0) leave(entry)
        pump()
      })
  }

  const pump = (): void => {
    for (const entry of wanting.values()) {
      if (isStopped || running >= auctionsAtOnce || !supply.hasFree()) break
      if (!entry.isRunning && entry.lookedAt !== supply.version()) start(entry)
    }
    if (wanting.size > 0 && !isStopped) explainLater()
  }

  supply.onFreed(pump)

  return {
    consider: (actor) => {
      if (isStopped || want(actor) === 0 || wanting.has(actor.id)) return
      wanting.set(actor.id, { actor, since: world.elapsed(), isRunning: false, lookedAt: unseen, declined: new Map() })
      pump()
    },
    forget: (job) => void wanting.delete(job),
    count: () => wanting.size,
    stop: () => {
      isStopped = true
    },
  }
}
