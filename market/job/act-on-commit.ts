import { attemptId, type AttemptId, type AttemptRef, type Job, type LeaseId, type Problem } from '@muster/protocol'
import { leaseOf } from '../attempt/lease-of.ts'
import type { Auctioneer } from '../auction/auctioneer.ts'
import type { DispatchDepth } from '../lease/dispatch-depth.ts'
import type { AttemptEnd, LeaseKeeper } from '../lease/lease-keeper.ts'
import type { TrimLeases } from '../lease/trim-leases.ts'
import type { Supply } from '../supply/supply.ts'
import type { Committed, JobActor } from './job-actor.ts'
import type { Jobs } from './jobs.ts'

export interface ActOnCommitModules {
  readonly supply: Supply
  readonly auctioneer: Auctioneer
  readonly keeper: LeaseKeeper
  readonly trim: TrimLeases
  readonly depth: DispatchDepth
  readonly jobs: Jobs
}

const cancelAt = (job: Job, refs: readonly AttemptRef[], supply: Supply): void => {
  const byLease = Map.groupBy(refs, (ref) => leaseOf(job, ref))
  for (const [state, ofLease] of byLease) {
    if (state === undefined) continue
    const attempts = ofLease.map(({ index, fence }): AttemptId => attemptId(job.id, index, fence))
    supply.peer(state.provider)?.send({ type: 'cancel', attempts })
  }
}

const isProviders = ({ fault }: Problem): boolean => fault === 'provider' || fault === 'machine'

/** What a market does once events are durable. Each act can be lost in a crash: leases and slots are looked after from the state. */
export const actOnCommit = (actor: JobActor, { job, events }: Committed, modules: ActOnCommitModules): void => {
  const { supply, auctioneer, keeper, trim, depth, jobs } = modules
  const dispatchedTo = new Set<LeaseId>()
  const ended = (refs: readonly AttemptRef[], how: AttemptEnd): void => {
    for (const ref of refs) {
      const lease = leaseOf(job, ref)?.lease.record.id
      if (lease !== undefined) keeper.ended(lease, ref.index, how)
    }
  }
  for (const event of events) {
    switch (event.type) {
      case 'submitted':
        jobs.add(actor)
        break
      case 'lease-opened':
        if (job.leases.get(event.lease.record.id)?.phase !== 'closed') keeper.keep(actor, event.lease.record.id, true)
        break
      case 'dispatched':
        dispatchedTo.add(event.lease)
        break
      case 'finalised':
        ended(event.attempts, 'done')
        break
      case 'failed':
        for (const attempt of event.attempts) ended([attempt], isProviders(attempt.problem) ? 'broken' : 'failed')
        break
      case 'cancelled-attempts':
        ended(event.attempts, 'stopped')
        cancelAt(job, event.attempts, supply)
        break
      case 'lease-noticed':
      case 'lease-amended':
        keeper.changed(event.lease)
        break
      case 'lease-closed':
        keeper.drop(event.lease)
        depth.forget(event.lease)
        break
      case 'closed':
        auctioneer.forget(actor.id)
        jobs.remove(actor.id)
        break
      default:
    }
  }
  for (const lease of dispatchedTo) keeper.dispatched(lease)
  if (job.closed !== null) return
  auctioneer.consider(actor)
  trim(actor)
}
