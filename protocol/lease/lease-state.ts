import { refuseTransition } from '../error/refuse-transition.ts'
import type { Address } from '../signature/address.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import type { SignedLease } from './lease.ts'

/** `open ⇄ suspect → closed`: a silent link makes a lease suspect; only a probe that fails past the grace period closes it. */
export type LeasePhase = 'open' | 'suspect' | 'closed'

export const closeReasons = ['done', 'lost', 'refused', 'cancelled', 'returned', 'expired'] as const
export type CloseReason = (typeof closeReasons)[number]

export interface LeaseState {
  readonly provider: Address
  readonly lease: SignedLease
  readonly reservation: SignedReservation
  readonly phase: LeasePhase
  readonly suspectSince: number | null
  /** Set once the provider gave notice: nothing new is dispatched from then on. */
  readonly noticedAt: number | null
  readonly closed: CloseReason | null
}

export type LeaseStep =
  | { readonly type: 'suspected'; readonly at: number }
  | { readonly type: 'recovered' }
  | { readonly type: 'noticed'; readonly at: number }
  | { readonly type: 'closed'; readonly reason: CloseReason }

export const openLease = (lease: SignedLease, reservation: SignedReservation): LeaseState => ({
  provider: lease.record.provider,
  lease,
  reservation,
  phase: 'open',
  suspectSince: null,
  noticedAt: null,
  closed: null,
})

/** The lease after a step. Throws `transition_refused`. */
export const stepLease = (state: LeaseState, step: LeaseStep): LeaseState => {
  if (state.phase === 'closed') throw refuseTransition('lease', 'closed', step.type, { lease: state.lease.record.id })
  switch (step.type) {
    case 'suspected':
      if (state.phase !== 'open') throw refuseTransition('lease', state.phase, step.type)
      return { ...state, phase: 'suspect', suspectSince: step.at }
    case 'recovered':
      if (state.phase !== 'suspect') throw refuseTransition('lease', state.phase, step.type)
      return { ...state, phase: 'open', suspectSince: null }
    case 'noticed':
      return { ...state, noticedAt: state.noticedAt ?? step.at }
    case 'closed':
      return { ...state, phase: 'closed', closed: step.reason }
  }
}

/** Whether new attempts may go to this lease. */
export const takesWork = (state: LeaseState, now: number): boolean =>
  state.phase === 'open' && state.noticedAt === null && now < state.lease.record.paidUntil
