import type { Offer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'

/** What is known of one unit of work, and what moving and keeping its state costs. */
export interface UnitOfWork {
  /** Median time of an attempt over the providers that ran the program, and of the start-up before it. */
  readonly durationMs: number
  readonly startMs: number
  /** Operators of the program: what prices per operator count. */
  readonly operators: number
  /** Nano-dollars to bring the inputs to a machine, at every start. */
  readonly transferNanoUsd: number
  /** Checkpoints, where the work writes any: after so much work, taking so long, for so many nano-dollars each. */
  readonly checkpoint: {
    readonly everyMs: number
    readonly tookMs: number
    readonly nanoUsd: number
  } | null
}

/** What a finished unit is expected to cost, in nano-dollars, and how that comes about. */
export interface EffectivePrice {
  readonly nanoUsd: number
  /** What the unit costs where nothing goes wrong. */
  readonly base: number
  /** Times that: the slot-time until it is finished over the time of one undisturbed attempt. */
  readonly overhead: number
  /** Starts until it is finished. */
  readonly starts: number
  readonly transfer: number
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
 * `hours` of slot-time until the unit is through without a disappearance, those of an undisturbed attempt, and the segments
 * between checkpoints. With hazard λ, start-up u and n segments of work s: (e^λu − 1 + n·e^λu·(e^λs − 1)) ÷ λ.
 */
const occupied = (reliability: Reliability, work: UnitOfWork) => {
  const { startFactor, durationFactor } = reliability
  const hazardPerHour = reliability.hazardPerHour < leastHazard ? 0 : reliability.hazardPerHour
  const start = (work.startMs * startFactor) / msPerHour
  const whole = (work.durationMs * durationFactor) / msPerHour
  const { checkpoint } = work
  const segments = checkpoint === null ? 1 : Math.max(1, Math.ceil((whole * msPerHour) / checkpoint.everyMs))
  const segment = whole / segments + (checkpoint === null ? 0 : checkpoint.tookMs / msPerHour)
  const undisturbed = start + segments * segment
  const startGrowth = growth(hazardPerHour * start)
  const exposure = startGrowth + segments * (startGrowth + 1) * growth(hazardPerHour * segment)
  const hours = hazardPerHour > 0 ? Math.max(undisturbed, exposure / hazardPerHour) : undisturbed
  return { hours, undisturbed, segments, losses: hazardPerHour > 0 ? exposure : 0 }
}

const baseOf = ({ price }: Pick<Offer, 'price'>, work: UnitOfWork, hours: number): number => {
  const nanoUsd = Number(price.nanoUsd)
  if (price.per === 'hour') return nanoUsd * hours
  return price.per === 'operator' ? nanoUsd * work.operators : nanoUsd
}

/**
 * Expected nano-dollars for a finished unit of work at this offer's price: price × expected attempts × duration + transfer +
 * checkpoints. Derived in docs/spec/award.md. Infinite where the unit is not expected to be finished.
 */
export const effectivePrice = (
  offer: Pick<Offer, 'price'>,
  reliability: Reliability,
  work: UnitOfWork,
): EffectivePrice => {
  const { hours, undisturbed, segments, losses } = occupied(reliability, work)
  const base = baseOf(offer, work, undisturbed)
  const overhead = undisturbed > 0 ? hours / undisturbed / reliability.success : 1 / reliability.success
  const starts = (1 + losses) / reliability.success
  const transfer = work.transferNanoUsd === 0 ? 0 : work.transferNanoUsd * starts
  const checkpoint = work.checkpoint === null ? 0 : (work.checkpoint.nanoUsd * segments) / reliability.success
  const nanoUsd = base === 0 ? transfer + checkpoint : base * overhead + transfer + checkpoint
  return { nanoUsd, base, overhead, starts, transfer, checkpoint }
}
