import type { Offer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'

/** What is known of one unit of work, and what moving and keeping its state costs. */
export interface UnitOfWork {
  /** Median time of an attempt over the providers that ran the program, and of the start-up before it. */
  readonly durationMs: number
  readonly startMs: number
  /** Operators of the program: what prices per operator count. */
  readonly operators: number
  /** Nano-dollars that are asked for bringing its bytes to a machine, at every start, beside the time that takes. */
  readonly transferNanoUsd: number
  /**
   * Checkpoints, where the work writes any: after so much work, taking so long, for so many nano-dollars each. Where `everyMs` is
   * null, as often as is best at the machine's hazard (`checkpointEveryMs`).
   */
  readonly checkpoint: {
    readonly everyMs: number | null
    readonly tookMs: number
    readonly nanoUsd: number
  } | null
}

/** What a finished unit is expected to cost, in nano-dollars, and how that comes about. */
export interface EffectivePrice {
  readonly nanoUsd: number
  /** What the unit costs where nothing goes wrong. */
  readonly base: number
  /** Times that: the slot-time until it is finished, transfers aside, over the time of one undisturbed attempt. */
  readonly overhead: number
  /** Starts until it is finished. */
  readonly starts: number
  /** Bringing its bytes there at every start: the slot's time at the offer's price, and what is asked for it. */
  readonly transfer: number
  /** What is asked for keeping checkpoints; the time they take is in the base. */
  readonly checkpoint: number
}

const msPerHour = 3_600_000
const series = 16
/** Once in 100,000 years: smaller ones leave no digits to divide, and count as none. */
const leastHazard = 1e-9

/**
 * exp(x) − 1 for x ≥ 0 by halving, the Taylor series and doubling: additions, multiplications and divisions only, whose results
 * IEEE 754 fixes to the bit, so that whoever computes an award again gets the same one. Engines differ on `Math.expm1`.
 */
export const growth = (x: number): number => {
  let halvings = 0
  let small = x
  for (; small > 0.25 && halvings < 64; halvings++) small /= 2
  let term = 1
  let sum = 0
  for (let n = 1; n <= series; n++) {
    term = (term * small) / n
    sum += term
  }
  for (; halvings > 0; halvings--) sum = sum * (sum + 2)
  return sum
}

/**
 * The work between checkpoints that loses the least, by Young (1974) and Daly (2006): √(2·δ ÷ λ) for checkpoints that take δ at hazard
 * λ. Infinite where nothing is ever lost.
 */
export const checkpointEveryMs = (tookMs: number, hazardPerHour: number): number =>
  Math.sqrt((2 * tookMs * msPerHour) / hazardPerHour)

/**
 * `hours` of slot-time until the unit is through without a disappearance and how many of them go into transfers, hours of an
 * undisturbed attempt without its transfer, and the segments between checkpoints. With hazard λ, transfer τ, start-up u and n
 * segments of work s: (e^λ(τ+u) − 1 + n·e^λ(τ+u)·(e^λs − 1)) ÷ λ.
 */
const occupied = (reliability: Reliability, work: UnitOfWork) => {
  const { startFactor, durationFactor, transferMs = 0 } = reliability
  const hazardPerHour = reliability.hazardPerHour < leastHazard ? 0 : reliability.hazardPerHour
  const transfer = transferMs / msPerHour
  const start = (work.startMs * startFactor) / msPerHour
  const whole = (work.durationMs * durationFactor) / msPerHour
  const { checkpoint } = work
  const everyMs =
    checkpoint === null ? Infinity : (checkpoint.everyMs ?? checkpointEveryMs(checkpoint.tookMs, hazardPerHour))
  const segments = checkpoint === null ? 1 : Math.max(1, Math.ceil((whole * msPerHour) / Math.max(1, everyMs)))
  const segment = whole / segments + (checkpoint === null ? 0 : checkpoint.tookMs / msPerHour)
  const undisturbed = start + segments * segment
  const startGrowth = growth(hazardPerHour * (transfer + start))
  const exposure = startGrowth + segments * (startGrowth + 1) * growth(hazardPerHour * segment)
  const losses = hazardPerHour > 0 ? exposure : 0
  const least = transfer + undisturbed
  const hours = hazardPerHour > 0 ? Math.max(least, exposure / hazardPerHour) : least
  const transferGrowth = growth(hazardPerHour * transfer)
  const each = hazardPerHour > 0 ? Math.min(transfer, transferGrowth / (transferGrowth + 1) / hazardPerHour) : transfer
  return { hours, transferHours: transfer === 0 ? 0 : each * (1 + losses), undisturbed, segments, losses }
}

const baseOf = ({ price }: Pick<Offer, 'price'>, work: UnitOfWork, hours: number): number => {
  const nanoUsd = Number(price.nanoUsd)
  if (price.per === 'hour') return nanoUsd * hours
  return price.per === 'operator' ? nanoUsd * work.operators : nanoUsd
}

/**
 * What no machine finishes a unit for less than at this price, in nano-dollars; so no offer that asks more is expected to cost less. 0 for
 * prices by the hour, since nothing bounds how fast a machine may be.
 */
export const leastEffective = (offer: Pick<Offer, 'price'>, work: UnitOfWork): number => baseOf(offer, work, 0)

/**
 * Expected nano-dollars for a finished unit of work at this offer's price: price × expected attempts × duration + transfer +
 * checkpoints. Derived in docs/spec/award.md. Infinite where the unit is not expected to be finished.
 */
export const effectivePrice = (
  offer: Pick<Offer, 'price'>,
  reliability: Reliability,
  work: UnitOfWork,
): EffectivePrice => {
  const { hours, transferHours, undisturbed, segments, losses } = occupied(reliability, work)
  const { success } = reliability
  const base = baseOf(offer, work, undisturbed)
  const starts = (1 + losses) / success
  const checkpoint = work.checkpoint === null ? 0 : (work.checkpoint.nanoUsd * segments) / success
  const asked = work.transferNanoUsd === 0 ? 0 : work.transferNanoUsd * starts
  if (undisturbed <= 0 || !Number.isFinite(hours)) {
    const overhead = undisturbed > 0 ? Infinity : 1 / success
    const nanoUsd = (base === 0 ? 0 : base * overhead) + asked + checkpoint
    return { nanoUsd, base, overhead, starts, transfer: asked, checkpoint }
  }
  const overhead = Math.max(undisturbed, hours - transferHours) / undisturbed / success
  const transfer = asked + ((base / undisturbed) * transferHours) / success
  return { nanoUsd: base * overhead + transfer + checkpoint, base, overhead, starts, transfer, checkpoint }
}
