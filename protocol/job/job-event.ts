import type { DeclaredOutput, NamedBlob } from '../claim/claim.ts'
import type { Digest } from '../digest/digest.ts'
import type { Problem } from '../error/problem.ts'
import type { JobId, LeaseId, ReceiptId, TenantId } from '../id/id.ts'
import type { CloseReason } from '../lease/lease-state.ts'
import type { SignedLease } from '../lease/lease.ts'
import type { NanoUsd } from '../money/money.ts'
import type { SignedOrder } from '../order/order.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import type { JobSpec } from './job-spec.ts'

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
      readonly spec: JobSpec
      readonly order: SignedOrder
      /** Operators of the program, 0 where it has none. */
      readonly operators: number
      /** Exec spec of the program, empty where it has none: what every claim must have run under. */
      readonly execSpec: Digest | ''
      /** Outputs the program declares, none where it has none: what every claim must name. */
      readonly declaredOutputs: readonly DeclaredOutput[]
    }
  | { readonly type: 'unmatched'; readonly missing: number; readonly problem: Problem }
  | { readonly type: 'lease-opened'; readonly lease: SignedLease; readonly reservation: SignedReservation }
  | { readonly type: 'lease-suspected'; readonly lease: LeaseId }
  | { readonly type: 'lease-recovered'; readonly lease: LeaseId }
  | { readonly type: 'lease-noticed'; readonly lease: LeaseId }
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
  | { readonly type: 'cancel-requested' }
  | { readonly type: 'withdrawn'; readonly tasks: readonly number[] }
  | { readonly type: 'closed'; readonly outcome: JobOutcome; readonly refund: NanoUsd }
)

export type JobEventType = JobEvent['type']
