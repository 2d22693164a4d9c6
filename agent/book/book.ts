import {
  newCapacity,
  type Address,
  type Amendment,
  type AttemptId,
  type AuctionId,
  type Capacity,
  type CapacityTotal,
  type Cid,
  type Claim,
  type ClaimBatch,
  type Digest,
  type JobId,
  type LeaseId,
  type OfferId,
  type Problem,
  type ReservationId,
  type RuntimeKind,
  type Signed,
  type SignedLease,
  type SignedReservation,
  type Start,
  type StartBatch,
  type Timer,
} from '@muster/protocol'
import type { OutcomesRecord } from '../journal/journal-record.ts'

/** The sealed auction that a reservation is bid in. */
export interface HeldAuction {
  readonly id: AuctionId
  /** By its own draw the agent leaves the transcript to others to read. */
  isLeft: boolean
}

export interface HeldReservation {
  readonly signed: SignedReservation
  readonly digest: Digest
  readonly runtime: RuntimeKind
  /** How long its auction takes bids: until then nobody can say whether it won. */
  readonly windowMs: number
  readonly auction: HeldAuction | null
  lease: HeldLease | null
  timer: Timer | null
}

export interface HeldLease {
  readonly signed: SignedLease
  readonly reservation: HeldReservation
  /** Oldest first. */
  readonly queue: Set<HeldAttempt>
  /** Attempts whose workload has not ended yet, cancelled ones included: each takes a slot. */
  readonly running: Set<HeldAttempt>
  /** As the lease has them, or its last amendment. */
  slots: number
  until: number
  /** The last two: of the last it is not known whether the market took it. */
  amendments: readonly Signed<Amendment>[]
  /** Set once notice was given: attempts still running then, by `World.elapsed`, are ended. */
  returning: { readonly endsAt: number; readonly takesWork: boolean } | null
}

/**
 * `queued → running → ended → reported`: ended means that the outcome is known here, reported that it is durable and sent
 * until the market says it is settled.
 */
export type AttemptPhase = 'queued' | 'running' | 'ended' | 'reported'

export interface HeldOutput {
  readonly name: string
  readonly cid: Cid
  /** Kept until the first send where the blob is small enough to travel in a message. */
  bytes: Uint8Array | null
}

/** Attempts that were taken on together: one record of the journal, kept until all of them are over. */
export interface HeldStarts {
  readonly id: AttemptId
  readonly market: Address
  /** Those that were taken on. */
  batch: StartBatch
  /** How many of them are not over. */
  left: number
  /** What reports some of them; the journal keeps it as long, so that none of them runs again after a restart. */
  readonly reports: Set<HeldReport>
}

/** How attempts of one market ended, journaled and sent together. */
export interface HeldReport {
  readonly id: AttemptId
  readonly market: Address
  readonly claims: ClaimBatch | null
  readonly failures: OutcomesRecord['failures']
  readonly attempts: readonly HeldAttempt[]
  readonly starts: Set<HeldStarts>
  /** How many of its attempts the market has not settled. */
  unsettled: number
  sentAt: number | null
}

export interface HeldAttempt {
  readonly id: AttemptId
  readonly market: Address
  readonly starts: HeldStarts
  readonly start: Start
  readonly abort: AbortController
  phase: AttemptPhase
  /** Nothing runs before the journal holds it. */
  isDurable: boolean
  /** `none`: its blobs are not asked for yet. `ready`: it can run when a slot is free. */
  preparation: 'none' | 'under-way' | 'ready'
  ending: { readonly claim: Claim } | { readonly problem: Problem } | null
  /** Set once it is reported. */
  report: HeldReport | null
  outputs: HeldOutput[]
  /** Blobs it needs, pinned in the cache until it ends. */
  needs: Cid[]
}

/** What is known of a job as long as a lease of it is held, or attempts of it are not over. */
export interface HeldJob {
  /** Highest fence of each task. */
  readonly fences: Map<number, number>
  /** The journal's records of fences, as long as a lease is held. */
  fenceRecords: AttemptId[]
  /** How many `HeldStarts` are of this job. */
  starts: number
}

/** Why the agent takes no new work, or `null` when it does. */
export type ClosedDoor = 'draining' | 'owner' | null

/** All an agent knows of its work, rebuilt from its journal at a start. The capacity in it is the only owner of its slots. */
export interface Book {
  capacity: Capacity
  door: ClosedDoor
  readonly reservations: Map<ReservationId, HeldReservation>
  /** Those that no lease has followed, by order digest and offer: what makes `reserve` idempotent. */
  readonly byOrder: Map<string, HeldReservation>
  readonly byDigest: Map<Digest, HeldReservation>
  readonly leases: Map<LeaseId, HeldLease>
  readonly attempts: Map<AttemptId, HeldAttempt>
  /** How many of them each market has. */
  readonly attemptsOf: Map<Address, number>
  readonly starts: Map<AttemptId, HeldStarts>
  /** Those with attempts that are not settled, in the order in which they were first sent. */
  readonly reports: Set<HeldReport>
  readonly jobs: Map<JobId, HeldJob>
}

export const heldAuction = (id: AuctionId | undefined): HeldAuction | null =>
  id === undefined ? null : { id, isLeft: false }

export const newBook = (total: CapacityTotal): Book => ({
  capacity: newCapacity(total),
  door: null,
  reservations: new Map(),
  byOrder: new Map(),
  byDigest: new Map(),
  leases: new Map(),
  attempts: new Map(),
  attemptsOf: new Map(),
  starts: new Map(),
  reports: new Set(),
  jobs: new Map(),
})

export const holdAttempt = ({ attempts, attemptsOf }: Book, attempt: HeldAttempt): void => {
  attempts.set(attempt.id, attempt)
  attemptsOf.set(attempt.market, (attemptsOf.get(attempt.market) ?? 0) + 1)
}

/** What is known of a job, which may be nothing yet. */
export const heldJob = ({ jobs }: Pick<Book, 'jobs'>, id: JobId): HeldJob => {
  const known = jobs.get(id)
  if (known !== undefined) return known
  const job: HeldJob = { fences: new Map(), fenceRecords: [], starts: 0 }
  jobs.set(id, job)
  return job
}

export const isLeased = ({ leases }: Pick<Book, 'leases'>, job: JobId): boolean => {
  for (const { signed } of leases.values()) if (signed.record.job === job) return true
  return false
}

/** Slots that a reservation takes: a lease may be of fewer than were reserved. */
export const slotsOf = ({ signed, lease }: Pick<HeldReservation, 'signed' | 'lease'>): number =>
  lease === null ? signed.record.slots : Math.max(lease.slots, lease.running.size)

export const orderKey = (order: Digest, offer: OfferId): string => `${order} ${offer}`
