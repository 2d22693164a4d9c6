import type { JobEvent, Log } from '@muster/protocol'
import type { Auctioneer } from '../auction/auctioneer.ts'
import type { DispatchDepth } from '../lease/dispatch-depth.ts'
import type { LeaseKeeper } from '../lease/lease-keeper.ts'
import type { Supply } from '../supply/supply.ts'
import { attemptId, type AttemptId, type AttemptRef, type LeaseId } from '@muster/protocol'
import type { Draft } from './draft.ts'
import type { JobActor } from './job-actor.ts'
import type { Jobs } from './jobs.ts'

export interface ActOnCommitModules {
  readonly supply: Supply
  readonly auctioneer: Auctioneer
  readonly keeper: LeaseKeeper
  readonly depth: DispatchDepth
  readonly jobs: Jobs
  readonly log: Log
}

const refsOf = (event: JobEvent): readonly AttemptRef[] => {
  switch (event.type) {
    case 'finalised':
    case 'failed':
    case 'cancelled-attempts':
      return event.attempts
    default:
      return []
  }
}

/** What a market does once events are durable. Each act can be lost in a crash: leases and slots are looked after from the state. */
export const actOnCommit = (actor: JobActor, draft: Draft, modules: ActOnCommitModules): void => {
  const { supply, auctioneer, keeper, depth, jobs } = modules
  const dispatchedTo = new Set<LeaseId>()
  for (const event of draft.events) {
    for (const { index, fence } of refsOf(event)) {
      const lease = draft.job.tasks[index]?.attempts.find((attempt) => attempt.fence === fence)?.lease
      if (lease !== undefined) keeper.progressed(lease)
    }
    switch (event.type) {
      case 'lease-opened':
        keeper.keep(actor, event.lease.record.id, true)
        break
      case 'dispatched':
        dispatchedTo.add(event.lease)
        break
      case 'cancelled-attempts':
        cancelAt(draft, event.attempts, supply)
        break
      case 'lease-closed':
        keeper.drop(event.lease)
        depth.forget(event.lease)
        break
      case 'closed':
        auctioneer.forget(actor.id)
        jobs.remove(actor.id)
        break
    }
  }
  for (const lease of dispatchedTo) keeper.dispatched(lease)
  if (draft.job.closed === null) auctioneer.consider(actor)
}

const cancelAt = ({ job }: Draft, refs: readonly AttemptRef[], supply: Supply): void => {
  const byLease = new Map<LeaseId, AttemptId[]>()
  for (const { index, fence } of refs) {
    const lease = job.tasks[index]?.attempts.find((attempt) => attempt.fence === fence)?.lease
    if (lease === undefined) continue
    const attempts = byLease.get(lease) ?? []
    attempts.push(attemptId(job.id, index, fence))
    byLease.set(lease, attempts)
  }
  for (const [lease, attempts] of byLease) {
    const provider = job.leases.get(lease)?.provider
    if (provider !== undefined) supply.peer(provider)?.send({ type: 'cancel', attempts })
  }
}
