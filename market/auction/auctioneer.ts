import { MusterError, explainNoFit, slotsWanted, toProblem, type JobId, type Log, type World } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import type { OpenLease } from '../lease/open-lease.ts'
import type { Supply } from '../supply/supply.ts'
import { runAuction, type Award, type RunAuctionModules } from './run-auction.ts'

export interface AuctioneerModules extends RunAuctionModules {
  readonly world: World
  readonly supply: Supply
  readonly openLease: OpenLease
  readonly log: Log
}

/** Finds slots for the jobs that want some: at once where there is supply, else as soon as slots come free, oldest job first. */
export interface Auctioneer {
  /** Looks whether the job wants slots. */
  consider(actor: JobActor): void
  forget(job: JobId): void
  stop(): void
}

const auctionsAtOnce = 64

export const createAuctioneer = (modules: AuctioneerModules): Auctioneer => {
  const { world, supply, openLease, log } = modules
  const due = new Map<JobId, JobActor>()
  const waiting = new Map<JobId, JobActor>()
  const running = new Set<JobId>()
  let isStopped = false

  const want = (actor: JobActor): number => {
    const job = actor.peek()
    return job === undefined ? 0 : slotsWanted(job, world.now())
  }

  const release = ({ peer, reservation }: Award): void => {
    supply.take(peer.provider, reservation.record.offer, -reservation.record.slots)
    peer
      .call('release', { reservation: reservation.record.id }, { timeoutMs: 5_000 })
      .catch((error: unknown) =>
        log.info('a reservation was not released; it expires by itself', { provider: peer.provider, error }),
      )
  }

  const award = async (actor: JobActor, won: Award): Promise<void> => {
    try {
      if (!(await openLease(actor, won))) release(won)
    } catch (error) {
      const isPoor = error instanceof MusterError && error.code === 'insufficient_bond'
      if (isPoor) supply.take(won.peer.provider, won.reservation.record.offer, Number.MAX_SAFE_INTEGER)
      log.warn('could not open a lease', { job: actor.id, provider: won.peer.provider, error })
      release(won)
    }
  }

  const explain = async (actor: JobActor, missing: number): Promise<void> => {
    const job = actor.peek()
    if (job === undefined || job.unmatched !== null || job.counts.running > 0) return
    const problem = toProblem(explainNoFit({ ...job.order.record, slots: missing }, supply.all(), world.now()))
    await actor.step((draft) => {
      if (draft.job.closed === null && draft.job.unmatched === null && slotsWanted(draft.job, draft.now) > 0) {
        draft.emit({ type: 'unmatched', at: draft.now, missing, problem })
      }
    })
  }

  const run = async (actor: JobActor): Promise<void> => {
    const job = actor.peek()
    const slots = want(actor)
    if (job === undefined || slots === 0) return
    const awards = await runAuction(job.order, slots, modules)
    await Promise.all(awards.map((won) => award(actor, won)))
    const missing = want(actor)
    if (missing === 0) return
    waiting.set(actor.id, actor)
    if (awards.length === 0) await explain(actor, missing)
  }

  const hasSupply = (): boolean => {
    for (const _ of supply.free()) return true
    return false
  }

  const pump = (): void => {
    while (!isStopped && running.size < auctionsAtOnce && due.size > 0) {
      const [next] = due.values()
      if (next === undefined) return
      due.delete(next.id)
      if (running.has(next.id)) {
        waiting.set(next.id, next)
        continue
      }
      running.add(next.id)
      run(next)
        .catch((error: unknown) => {
          log.warn('an auction failed; it is run again when supply changes', { job: next.id, error })
          waiting.set(next.id, next)
        })
        .finally(() => {
          running.delete(next.id)
          pump()
        })
    }
  }

  supply.onFreed(() => {
    if (!hasSupply()) return
    for (const [id, actor] of waiting) due.set(id, actor)
    waiting.clear()
    pump()
  })

  return {
    consider: (actor) => {
      if (want(actor) === 0 || waiting.has(actor.id) || due.has(actor.id)) return
      due.set(actor.id, actor)
      pump()
    },
    forget: (job) => {
      due.delete(job)
      waiting.delete(job)
    },
    stop: () => {
      isStopped = true
    },
  }
}
