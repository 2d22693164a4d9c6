import { MusterError, slotsKept, type Job, type LeaseId, type Log } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { amendLease, type AmendLeaseModules } from './amend-lease.ts'

export interface TrimLeasesModules extends AmendLeaseModules {
  readonly log: Log
  readonly isOver: () => boolean
}

/** Gives back, in place, the slots that a job has too many on leases it keeps. Tries again as long as their agents are out of reach. */
export type TrimLeases = (actor: JobActor) => void

const retryMs = 5_000

const excess = function* (job: Job, now: number): Generator<readonly [LeaseId, number]> {
  for (const [lease, slots] of slotsKept(job, now))
    if (slots > 0 && slots < (job.leases.get(lease)?.slots ?? 0)) yield [lease, slots]
}

export const createTrimLeases = (modules: TrimLeasesModules): TrimLeases => {
  const { world, log, isOver } = modules
  /** Of each job the leases being trimmed, and those whose agents said no, with the slots they were asked to keep. */
  const askedOf = new WeakMap<JobActor, Map<LeaseId, number>>()

  const trimOne = async (
    actor: JobActor,
    [lease, slots]: readonly [LeaseId, number],
    asked: Map<LeaseId, number>,
  ): Promise<void> => {
    asked.set(lease, slots)
    try {
      await amendLease(actor, lease, { slots }, modules)
      asked.delete(lease)
    } catch (error) {
      const isRefused = error instanceof MusterError && error.retry === 'never'
      log.info('an agent did not take slots back', { lease, slots, isRefused, error })
      if (isRefused) return
      world.after(retryMs, () => {
        asked.delete(lease)
        trim(actor)
      })
    }
  }

  const trim: TrimLeases = (actor) => {
    const job = actor.peek()
    if (job === undefined || job.closed !== null || job.resizes.length === 0 || isOver()) return
    const asked = askedOf.get(actor) ?? new Map<LeaseId, number>()
    askedOf.set(actor, asked)
    for (const each of excess(job, world.now())) {
      const [lease, slots] = each
      if (asked.get(lease) !== slots) void trimOne(actor, each, asked)
    }
  }
  return trim
}
