import {
  newCapacity,
  type Address,
  type AttemptId,
  type AttemptName,
  type Capacity,
  type CapacityTotal,
  type Cid,
  type Claim,
  type Digest,
  type JobId,
  type LeaseId,
  type OfferId,
  type Problem,
  type ReservationId,
  type RuntimeKind,
  type SignedLease,
  type SignedReservation,
  type Start,
  type Timer,
} from '@muster/protocol'
import type { Outcome } from '../journal/journal-record.ts'

export interface HeldReservation {
  readonly signed: SignedReservation
  readonly digest: Digest
  readonly runtime: RuntimeKind
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
  /** Set once notice was given: attempts still running then are ended. */
  returnedBy: number | null
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

export interface HeldAttempt {
  readonly id: AttemptId
  readonly name: AttemptName
  readonly market: Address
  readonly start: Start
  readonly abort: AbortController
  phase: AttemptPhase
  /** Nothing runs before the journal holds it. */
  isDurable: boolean
  /** `none`: its blobs are not asked for yet. `ready`: it can run when a slot is free. */
  preparation: 'none' | 'under-way' | 'ready'
  ending: { readonly claim: Claim } | { readonly problem: Problem } | null
  outcome: Outcome | null
  outputs: HeldOutput[]
  /** Blobs it needs, pinned in the cache until it ends. */
  needs: Cid[]
  sentAt: number | null
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
  /** Highest fence of each task, as long as a lease of its job is held. */
  readonly fences: Map<JobId, Map<number, number>>
  /** The journal's records of them. */
  readonly fenceRecords: Map<JobId, AttemptId[]>
}

export const newBook = (total: CapacityTotal): Book => ({
  capacity: newCapacity(total),
  door: null,
  reservations: new Map(),
  byOrder: new Map(),
  byDigest: new Map(),
  leases: new Map(),
  attempts: new Map(),
  fences: new Map(),
  fenceRecords: new Map(),
})

export const orderKey = (order: Digest, offer: OfferId): string => `${order} ${offer}`
