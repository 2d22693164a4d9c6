import type { DeclaredOutput, NamedBlob } from '../claim/claim.ts'
import type { Digest } from '../digest/digest.ts'
import type { Problem } from '../error/problem.ts'
import type { AuctionId, JobId, LeaseId, ReceiptId, TenantId } from '../id/id.ts'
import type { AgreedAmendment } from '../lease/amendment.ts'
import type { CloseReason } from '../lease/lease-state.ts'
import type { SignedLease } from '../lease/lease.ts'
import type { NanoUsd } from '../money/money.ts'
import type { SignedOrder } from '../order/order.ts'
import type { SignedResize } from '../order/resize.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import type { CommittedSpec } from './commit-spec.ts'

/** Names an attempt within its job: the task's index and the fence. */
export interface AttemptRef {
  readonly index: number
  readonly fence: number
}

export type JobOutcome = 'succeeded' | 'failed' | 'cancelled'

/** What happened to a job, in order: its stream in the journal and the timeline the tenant sees. `at` is wall-clock ms. */
export type JobEvent = { readonly at: number } & (
  | {
      readonly type: 'submitted'
      readonly job: JobId
      readonly tenant: TenantId
      readonly spec: CommittedSpec
      readonly order: SignedOrder
      /** Operators of the program, 0 where it has none. */
      readonly operators: number
      /** Exec spec of the program, empty where it has none: what every claim must have run under. */
      readonly execSpec: Digest | ''
      /** Outputs the program declares, none where it has none: what every claim must name. */
      readonly declaredOutputs: readonly DeclaredOutput[]
    }
  | { readonly type: 'unmatched'; readonly missing: number; readonly problem: Problem }
  | {
      readonly type: 'auctioned'
      readonly auction: AuctionId
      /** Digest of the transcript. */
      readonly transcript: Digest
      readonly solicited: number
      readonly bids: number
      readonly winners: number
      readonly slots: number
    }
  | { readonly type: 'lease-opened'; readonly lease: SignedLease; readonly reservation: SignedReservation }
  | { readonly type: 'lease-suspected'; readonly lease: LeaseId }
  | { readonly type: 'lease-recovered'; readonly lease: LeaseId }
  | {
      readonly type: 'lease-noticed'
      readonly lease: LeaseId
      /** When the provider takes it back; absent in events of before: nobody was told. */
      readonly endsAt?: number
      /** Attempts that end before may still begin. */
      readonly takesWork?: boolean
    }
  | { readonly type: 'lease-amended'; readonly lease: LeaseId; readonly amendment: AgreedAmendment }
  | { readonly type: 'lease-closed'; readonly lease: LeaseId; readonly reason: CloseReason }
  | { readonly type: 'dispatched'; readonly lease: LeaseId; readonly attempts: readonly AttemptRef[] }
  | { readonly type: 'claimed'; readonly attempts: readonly (AttemptRef & { readonly claim: Digest })[] }
  | {
      readonly type: 'accepted'
      readonly attempts: readonly (AttemptRef & {
        readonly receipt: ReceiptId
        readonly amount: NanoUsd
        readonly outputs: readonly NamedBlob[]
      })[]
    }
  | { readonly type: 'finalised'; readonly attempts: readonly AttemptRef[] }
  | { readonly type: 'overturned'; readonly attempts: readonly AttemptRef[] }
  | { readonly type: 'lost'; readonly attempts: readonly AttemptRef[] }
  | { readonly type: 'failed'; readonly attempts: readonly (AttemptRef & { readonly problem: Problem })[] }
  | { readonly type: 'cancelled-attempts'; readonly attempts: readonly AttemptRef[] }
  | { readonly type: 'abandoned'; readonly tasks: readonly number[]; readonly problem: Problem }
  | { readonly type: 'resized'; readonly resize: SignedResize }
  | { readonly type: 'cancel-requested' }
  | { readonly type: 'withdrawn'; readonly tasks: readonly number[] }
  | { readonly type: 'closed'; readonly outcome: JobOutcome; readonly refund: NanoUsd }
)

export type JobEventType = JobEvent['type']
