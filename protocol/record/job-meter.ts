import type { Fault } from '../error/error-codes.ts'
import type { LeaseId } from '../id/id.ts'
import type { AttemptRef, JobEvent } from '../job/job-event.ts'
import { openLease, stepLease, type LeaseState } from '../lease/lease-state.ts'
import type { Address } from '../signature/address.ts'
import type { Observation } from './observation.ts'

/** What the events of a job say of one lease, measured on the market's clock. The factors need what others took. */
export type LeaseObservation = Omit<Observation, 'durationFactor' | 'startFactor'>

/** Reads the events of a job, from its first, and says what was seen of providers: as a lease closes, and as the job does. */
export interface JobMeter {
  step(event: JobEvent): readonly LeaseObservation[]
}

interface LeaseMeter {
  readonly id: LeaseId
  readonly provider: Address
  slots: number
  readonly openedAt: number
  outstanding: number
  /** What the lease promises, and whether that was kept. */
  state: LeaseState
  /** Slot-milliseconds with something to do, up to `since`. */
  busyMs: number
  since: number
  firstDispatchAt: number
  /** At the first claims: the time, how many there were, and `busyMs` then. */
  first: { readonly at: number; readonly count: number; readonly busyMs: number } | undefined
  claimed: number
  succeeded: number
  failed: number
  hasFailed: boolean
  hasLost: boolean
  /** Whether something that says nothing of the machine's speed got into its times. */
  isDisturbed: boolean
  /** Attempts that failed by the program's fault, as the agent said, at tasks that another provider finished. */
  refuted: number
}

/** Tasks have smaller indexes. */
const indexes = 16_384
/** Claims after the first, for each slot, from which on a duration can be told from a start-up. */
const steadyRounds = 3
const shortestMs = 0.01

/** Of a provider that did nothing. */
const unmoved = {
  honoured: 0,
  refused: 0,
  exposureMs: 0,
  outages: 0,
  succeeded: 0,
  failed: 0,
  matched: 0,
  mismatched: 0,
  durationMs: null,
  startMs: null,
} as const

const advance = (meter: LeaseMeter, at: number): void => {
  meter.busyMs += Math.min(meter.slots, meter.outstanding) * Math.max(0, at - meter.since)
  meter.since = Math.max(meter.since, at)
}

const timesOf = (meter: LeaseMeter): Pick<LeaseObservation, 'durationMs' | 'startMs'> => {
  const { first, claimed, slots, busyMs } = meter
  if (first === undefined || meter.isDisturbed) return { durationMs: null, startMs: null }
  const after = claimed - first.count
  if (after < steadyRounds * slots) return { durationMs: Math.max(shortestMs, busyMs / claimed), startMs: null }
  const durationMs = Math.max(shortestMs, (busyMs - first.busyMs) / after)
  const firstRounds = Math.max(1, first.count / slots)
  const startMs = Math.max(shortestMs, first.at - meter.firstDispatchAt - durationMs * firstRounds)
  return { durationMs, startMs }
}

/**
 * The time of an attempt is measured as the slot-time with something to do over the attempts that ended in claims, so that
 * neither what an agent says of itself nor how it batches its claims counts. Leases with attempts that ended otherwise,
 * or that were suspected, give no times.
 */
export const createJobMeter = (): JobMeter => {
  const leases = new Map<LeaseId, LeaseMeter>()
  const running = new Map<number, LeaseMeter>()
  const claimed = new Map<number, LeaseMeter>()
  /** By task, where its attempts failed and the agent put it down to something else than itself. */
  const excused = new Map<number, LeaseMeter[]>()
  const refuted = new Set<LeaseMeter>()
  let program = ''

  const keyOf = ({ index, fence }: AttemptRef): number => fence * indexes + index

  const end = (refs: readonly AttemptRef[], at: number, each: (meter: LeaseMeter) => void): void => {
    for (const ref of refs) {
      const key = keyOf(ref)
      const ran = running.get(key)
      const meter = ran ?? claimed.get(key)
      if (meter === undefined) continue
      if (ran !== undefined) {
        advance(meter, at)
        meter.outstanding--
      }
      running.delete(key)
      claimed.delete(key)
      each(meter)
    }
  }

  const claim = (refs: readonly AttemptRef[], at: number): void => {
    const counts = new Map<LeaseMeter, number>()
    for (const ref of refs) {
      const key = keyOf(ref)
      const meter = running.get(key)
      if (meter === undefined) continue
      advance(meter, at)
      running.delete(key)
      claimed.set(key, meter)
      counts.set(meter, (counts.get(meter) ?? 0) + 1)
    }
    for (const [meter, count] of counts) {
      meter.outstanding -= count
      meter.claimed += count
      meter.first ??= { at, count, busyMs: meter.busyMs }
    }
  }

  const disturb = (meter: LeaseMeter | undefined): void => {
    if (meter !== undefined) meter.isDisturbed = true
  }

  const fail = (meter: LeaseMeter, index: number, fault: Fault): void => {
    disturb(meter)
    meter.hasFailed = true
    if (fault === 'provider') meter.failed++
    else excused.set(index, [...(excused.get(index) ?? []), meter])
  }

  /** What another provider finished was not the program's fault. */
  const accept = (meter: LeaseMeter, index: number): void => {
    meter.succeeded++
    for (const other of excused.get(index) ?? []) {
      if (other.provider === meter.provider) continue
      other.refuted++
      refuted.add(other)
    }
    excused.delete(index)
  }

  const refutations = (at: number): LeaseObservation[] =>
    [...refuted].map(({ id, provider, refuted: failed }) => ({
      ...unmoved,
      id: `${id}.refuted`,
      provider,
      at,
      program,
      failed,
    }))

  const close = (event: Extract<JobEvent, { type: 'lease-closed' }>): LeaseObservation[] => {
    const meter = leases.get(event.lease)
    leases.delete(event.lease)
    if (meter === undefined) return []
    const { isBroken, lease } = stepLease(meter.state, { type: 'closed', at: event.at, reason: event.reason })
    // Whoever gives a lease back with work on it is gone to the tenant, unless that is what was sold.
    const isSold = lease.record.term?.kind === 'spot'
    const isOutage = isBroken || event.reason === 'lost' || (event.reason === 'returned' && meter.hasLost && !isSold)
    // A lease on which attempts failed is closed for the same reason: that is no refusal of the lease.
    const isRefused = event.reason === 'refused' && meter.claimed === 0 && !meter.hasFailed
    const seen = {
      ...unmoved,
      id: event.lease,
      provider: meter.provider,
      at: event.at,
      program,
      honoured: isRefused ? 0 : 1,
      refused: isRefused ? 1 : 0,
      exposureMs: isRefused ? 0 : Math.max(0, event.at - meter.openedAt),
      outages: isOutage ? 1 : 0,
      ...(isBroken ? { breaches: 1 } : {}),
      succeeded: meter.succeeded,
      failed: meter.failed,
      ...timesOf(meter),
    }
    return [seen]
  }

  return {
    step: (event) => {
      const { at } = event
      switch (event.type) {
        case 'submitted':
          program = event.spec.program ?? event.spec.runtime
          return []
        case 'lease-opened': {
          const { id, provider, slots } = event.lease.record
          const times = { openedAt: at, since: at, firstDispatchAt: at, busyMs: 0, first: undefined }
          const counts = { outstanding: 0, claimed: 0, succeeded: 0, failed: 0 }
          leases.set(id, {
            id,
            provider,
            slots,
            ...times,
            ...counts,
            hasFailed: false,
            hasLost: false,
            isDisturbed: false,
            refuted: 0,
            state: openLease(event.lease, event.reservation),
          })
          return []
        }
        case 'dispatched': {
          const meter = leases.get(event.lease)
          if (meter === undefined) return []
          advance(meter, at)
          if (meter.first === undefined && meter.outstanding === 0) meter.firstDispatchAt = at
          meter.outstanding += event.attempts.length
          for (const ref of event.attempts) running.set(keyOf(ref), meter)
          return []
        }
        case 'claimed':
          claim(event.attempts, at)
          return []
        case 'accepted':
          for (const ref of event.attempts) end([ref], at, (meter) => accept(meter, ref.index))
          return []
        case 'failed':
          for (const ref of event.attempts) end([ref], at, (meter) => fail(meter, ref.index, ref.problem.fault))
          return []
        case 'lost':
          end(event.attempts, at, (meter) => {
            disturb(meter)
            meter.hasLost = true
          })
          return []
        case 'cancelled-attempts':
          end(event.attempts, at, disturb)
          return []
        case 'lease-noticed': {
          const meter = leases.get(event.lease)
          if (meter === undefined) return []
          const { endsAt = Infinity, takesWork = false } = event
          meter.state = stepLease(meter.state, { type: 'noticed', at, endsAt, takesWork })
          return []
        }
        case 'lease-amended': {
          const meter = leases.get(event.lease)
          if (meter === undefined) return []
          meter.state = stepLease(meter.state, { type: 'amended', at, amendment: event.amendment })
          advance(meter, at)
          meter.slots = meter.state.slots
          return []
        }
        case 'lease-suspected':
          disturb(leases.get(event.lease))
          return []
        case 'lease-closed':
          return close(event)
        case 'closed':
          return refutations(at)
        default:
          return []
      }
    },
  }
}
