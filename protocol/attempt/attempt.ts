import type { Digest } from '../digest/digest.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { LeaseId, ReceiptId } from '../id/id.ts'

/**
 * `running → claimed → accepted → final | overturned`, or `lost`, `failed`, `cancelled` on the way to `accepted`.
 * `accepted` means usable and in escrow; payment happens once, at `final`.
 */
export type AttemptPhase = 'running' | 'claimed' | 'accepted' | 'final' | 'overturned' | 'lost' | 'failed' | 'cancelled'

export interface AttemptState {
  readonly fence: number
  readonly lease: LeaseId
  readonly phase: AttemptPhase
  readonly claim: Digest | null
  readonly receipt: ReceiptId | null
}

export type AttemptStep =
  | { readonly type: 'claimed'; readonly claim: Digest }
  | { readonly type: 'accepted'; readonly receipt: ReceiptId }
  | { readonly type: 'finalised' }
  | { readonly type: 'overturned' }
  | { readonly type: 'lost' }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled' }

const from: Record<AttemptStep['type'], readonly AttemptPhase[]> = {
  claimed: ['running'],
  accepted: ['claimed'],
  finalised: ['accepted'],
  overturned: ['accepted'],
  lost: ['running', 'claimed'],
  failed: ['running', 'claimed'],
  cancelled: ['running', 'claimed'],
}

export const startAttempt = (fence: number, lease: LeaseId): AttemptState => ({
  fence,
  lease,
  phase: 'running',
  claim: null,
  receipt: null,
})

/** The attempt after a step. Throws `transition_refused`. */
export const stepAttempt = (attempt: AttemptState, step: AttemptStep): AttemptState => {
  if (!from[step.type].includes(attempt.phase)) {
    throw refuseTransition('attempt', attempt.phase, step.type, { fence: attempt.fence })
  }
  switch (step.type) {
    case 'claimed':
      return { ...attempt, phase: 'claimed', claim: step.claim }
    case 'accepted':
      return { ...attempt, phase: 'accepted', receipt: step.receipt }
    case 'finalised':
      return { ...attempt, phase: 'final' }
    default:
      return { ...attempt, phase: step.type }
  }
}

/** Whether the attempt can still end in payment. */
export const isLive = (attempt: AttemptState): boolean =>
  attempt.phase === 'running' ||
  attempt.phase === 'claimed' ||
  attempt.phase === 'accepted' ||
  attempt.phase === 'final'
