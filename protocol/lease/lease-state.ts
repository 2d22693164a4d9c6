import { digestOf } from '../digest/digest.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { Address } from '../signature/address.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import type { AgreedAmendment } from './amendment.ts'
import { isBreach } from './is-breach.ts'
import type { SignedLease } from './lease.ts'

/** `open ⇄ suspect → closed`: a silent link makes a lease suspect; only a probe that fails past the grace period closes it. */
export type LeasePhase = 'open' | 'suspect' | 'closed'

export const closeReasons = ['done', 'lost', 'refused', 'cancelled', 'returned', 'expired'] as const
export type CloseReason = (typeof closeReasons)[number]

/** That the provider takes its slots back. */
export interface Notice {
  readonly at: number
  /** When it does; no later than the lease ends by itself. */
  readonly endsAt: number
  /** Whether attempts that end before may still begin. */
  readonly takesWork: boolean
}

export interface LeaseState {
  readonly provider: Address
  readonly lease: SignedLease
  readonly reservation: SignedReservation
  readonly phase: LeasePhase
  readonly suspectSince: number | null
  /** Slots and end as the lease has them, or its last amendment. */
  readonly slots: number
  readonly until: number
  readonly amendments: readonly AgreedAmendment[]
  readonly notice: Notice | null
  /** The provider ended it, or gave notice that it will, otherwise than its term allows. */
  readonly isBroken: boolean
  readonly closed: CloseReason | null
}

export type LeaseStep =
  | { readonly type: 'suspected'; readonly at: number }
  | { readonly type: 'recovered' }
  | { readonly type: 'noticed'; readonly at: number; readonly endsAt: number; readonly takesWork: boolean }
  | { readonly type: 'amended'; readonly at: number; readonly amendment: AgreedAmendment }
  | { readonly type: 'closed'; readonly at: number; readonly reason: CloseReason }

export const openLease = (lease: SignedLease, reservation: SignedReservation): LeaseState => ({
  provider: lease.record.provider,
  lease,
  reservation,
  phase: 'open',
  suspectSince: null,
  slots: lease.record.slots,
  until: lease.record.paidUntil,
  amendments: [],
  notice: null,
  isBroken: false,
  closed: null,
})

/** A later notice counts only where it brings the end forward: what was promised first stays promised. */
const notice = (state: LeaseState, { at, endsAt, takesWork }: Notice): LeaseState => {
  const end = Math.max(at, Math.min(endsAt, state.until))
  if (state.notice !== null && end >= state.notice.endsAt) return state
  const given = { at, endsAt: end, takesWork }
  return { ...state, notice: given, isBroken: state.isBroken || isBreach(state, given) }
}

/** Why a lease cannot be amended at `now`, in words; nothing where it can. */
export const whyUnamendable = (state: LeaseState, now: number): string | undefined => {
  if (state.phase !== 'open') return state.phase
  if (state.notice !== null) return 'under notice'
  return now < state.until ? undefined : 'over'
}

const amend = (state: LeaseState, at: number, amendment: AgreedAmendment): LeaseState => {
  const { record } = amendment
  const refuse = (from: string) => refuseTransition('lease', from, 'amended', { lease: state.lease.record.id })
  const why = whyUnamendable(state, at)
  if (why !== undefined) throw refuse(why)
  const { price } = state.lease.record
  if (record.lease !== digestOf(state.lease.record)) throw refuse('another one')
  if (record.number !== state.amendments.length + 1) throw refuse(`amended ${state.amendments.length} times`)
  if (record.until < state.until) throw refuse('to last longer')
  if (record.slots > state.slots) throw refuse('of fewer slots')
  if (record.price.per !== price.per || record.price.nanoUsd !== price.nanoUsd) throw refuse('at another price')
  return { ...state, slots: record.slots, until: record.until, amendments: [...state.amendments, amendment] }
}

const close = (state: LeaseState, at: number, reason: CloseReason): LeaseState => ({
  ...state,
  phase: 'closed',
  closed: reason,
  isBroken: state.isBroken || (reason === 'lost' && isBreach(state, { at, endsAt: at })),
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
      return notice(state, step)
    case 'amended':
      return amend(state, step.at, step.amendment)
    case 'closed':
      return close(state, step.at, step.reason)
  }
}

/** Whether new attempts may go to this lease, whatever they take. */
export const takesWork = (state: LeaseState, now: number): boolean =>
  state.phase === 'open' && state.notice === null && now < state.until

/**
 * How many attempts one after the other a slot of the lease may still be given: any number before notice; after it those that end
 * in time, where it is known how long one takes.
 */
export const roundsLeft = (state: LeaseState, now: number, expectedMs: number | undefined): number => {
  if (takesWork(state, now)) return Infinity
  if (state.phase !== 'open' || state.notice?.takesWork !== true || expectedMs === undefined) return 0
  return Math.max(0, Math.floor((state.notice.endsAt - now) / Math.max(1, expectedMs)))
}
