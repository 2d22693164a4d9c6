import {
  digestOf,
  maxClockSkewMs,
  newId,
  signRecord,
  slotsWanted,
  soldSlotOf,
  type Job,
  type Lease,
  type NanoUsd,
  type SignatureDomain,
  type Signer,
  type World,
} from '@muster/protocol'
import type { Award } from '../auction/run-auction.ts'
import type { JobActor } from '../job/job-actor.ts'
import { tieBond } from '../ledger/bond.ts'

export interface OpenLeaseModules {
  readonly world: World
  readonly signer: Signer
  readonly domain: SignatureDomain
  readonly termMs: number
  readonly bondPerSlot: NanoUsd
}

/** A lease lasts for at least so many of its tasks at their time limit, or a long task could never finish. */
const tasksPerTerm = 2

interface TermOf {
  readonly order: { readonly record: Pick<Job['order']['record'], 'lease'> }
  readonly spec: { readonly limits: Pick<Job['spec']['limits'], 'taskTimeoutMs'> }
}

/** How long a lease of the job lasts: as its order says, else as long as the market's do. */
export const leaseTermMs = ({ order, spec }: TermOf, termMs: number): number =>
  order.record.lease?.termMs ?? Math.max(termMs, tasksPerTerm * spec.limits.taskTimeoutMs)

/**
 * Turns an award into a lease of the job. Resolves to `false` where the job does not, or no longer, want it; rejects `insufficient_bond`.
 * Whether the reservation still holds by the clock of its agent, the agent says.
 */
export type OpenLease = (actor: JobActor, award: Award) => Promise<boolean>

export const createOpenLease =
  ({ world, signer, domain, termMs, bondPerSlot }: OpenLeaseModules): OpenLease =>
  async (actor, { reservation, offer, sealed }) => {
    const { record } = reservation
    const slots = sealed?.slots ?? record.slots
    const digest = digestOf(record)
    const isOpened = await actor.step((draft) => {
      // A step runs again where it is not known whether its commit was written.
      for (const { lease } of draft.job.leases.values()) if (lease.record.reservation === digest) return true
      if (slotsWanted(draft.job, draft.now) === 0 || record.expiresAt + maxClockSkewMs <= draft.now) return false
      const lease: Lease = {
        kind: 'lease',
        id: newId(world, 'lease'),
        market: domain.market,
        provider: record.provider,
        tenant: draft.job.tenant,
        job: draft.job.id,
        order: record.order,
        reservation: digest,
        slots,
        resources: record.resources,
        runtime: draft.job.spec.runtime,
        sold: soldSlotOf(offer.record, record.gpus.slice(0, slots * record.resources.gpuCount)),
        price: sealed?.price ?? record.price,
        ...(sealed === undefined ? {} : { auction: { id: sealed.auction, transcript: sealed.transcript } }),
        bond: bondPerSlot * BigInt(slots),
        startsAt: draft.now,
        paidUntil: draft.now + Math.min(leaseTermMs(draft.job, termMs), record.term?.termMs ?? Infinity),
        ...(record.term === undefined ? {} : { term: record.term }),
      }
      draft.emit({ type: 'lease-opened', at: draft.now, lease: signRecord(signer, domain, lease), reservation })
      tieBond(draft, lease, world)
      return true
    })
    // Where the turn that opened it also ended the job's work, nobody keeps it and the agent never hears of it.
    const lease = [...(actor.peek()?.leases.values() ?? [])].find((state) => state.lease.record.reservation === digest)
    return isOpened && lease?.phase !== 'closed'
  }
