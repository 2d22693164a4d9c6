import { betaQuantile, gammaQuantile, studentQuantile } from './distribution.ts'
import { decayPriced, decayRecord, type FactorSums, type ProviderRecord } from './provider-record.ts'
import { credibility, recordModel } from './record-model.ts'

/** What of a record decides what a finished unit costs: see docs/spec/award.md. */
export interface Reliability {
  /** Disappearances per hour of lease. */
  readonly hazardPerHour: number
  /** Such that its inverse is the expected inverse of the chance that an attempt does not fail by the provider's fault. */
  readonly success: number
  /** Expected start-up time over the program's median. */
  readonly startFactor: number
  /** Expected time of an attempt over the program's median. */
  readonly durationFactor: number
  /** Time for bringing a unit's program and inputs to the machine, at every start; none where absent. */
  readonly transferMs?: number
}

/** A figure, and the interval that holds it with the probability `credibility`. */
export interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** `mean` is the median of the provider's factors, `expected` their mean, which is what many attempts come to. */
export interface FactorEstimate extends Estimate {
  readonly expected: number
}

export interface RecordEstimate {
  readonly refusal: Estimate
  readonly hazardPerHour: Estimate
  readonly success: Estimate
  readonly start: FactorEstimate
  readonly duration: FactorEstimate
  /** Of the prior alone until attempts are verified; no price counts it. */
  readonly mismatch: Estimate
}

type FactorModel = (typeof recordModel)['start' | 'duration']

interface FactorPosterior {
  readonly mean: number
  readonly weight: number
  readonly shape: number
  readonly scale: number
}

/** Normal-inverse-gamma after the sums, from a prior around a logarithm of 0. */
const factorPosterior = ({ count, sum, squares }: FactorSums, model: FactorModel): FactorPosterior => {
  const weight = model.weight + count
  const mean = sum / weight
  const scale = model.scale + Math.max(0, squares - weight * mean * mean) / 2
  return { mean, weight, shape: model.shape + count / 2, scale }
}

/** The mean of a log-normal: exp(μ + σ²/2), σ² at its posterior mean. */
const expectedFactor = ({ mean, shape, scale }: FactorPosterior): number => Math.exp(mean + scale / (shape - 1) / 2)

const tail = (1 - credibility) / 2

const factorEstimate = (posterior: FactorPosterior): FactorEstimate => {
  const { mean, weight, shape, scale } = posterior
  const half = studentQuantile(1 - tail, 2 * shape) * Math.sqrt(scale / (shape * weight))
  return {
    mean: Math.exp(mean),
    low: Math.exp(mean - half),
    high: Math.exp(mean + half),
    expected: expectedFactor(posterior),
  }
}

const shareEstimate = (a: number, b: number): Estimate => ({
  mean: a / (a + b),
  low: betaQuantile(tail, a, b),
  high: betaQuantile(1 - tail, a, b),
})

/** What to expect of the provider at `now`. Cheap: an auction asks it of every bidder. */
export const expectReliability = (record: ProviderRecord, now: number): Reliability => {
  const { hazard, success, start, duration } = decayPriced(record, now)
  const model = recordModel
  const succeeded = model.success.succeeded + success.succeeded
  const failed = model.success.failed + success.failed
  return {
    hazardPerHour: (model.hazard.outages + hazard.outages) / (model.hazard.hours + hazard.hours),
    success: (succeeded - 1) / (succeeded + failed - 1),
    startFactor: expectedFactor(factorPosterior(start, model.start)),
    durationFactor: expectedFactor(factorPosterior(duration, model.duration)),
  }
}

/** The share of orders within its offer that the provider is expected to refuse at `now`. */
export const expectRefusal = (record: ProviderRecord, now: number): number => {
  const { refused, honoured } = decayRecord(record, now).refusal
  const prior = recordModel.refusal
  return (prior.refused + refused) / (prior.refused + refused + prior.honoured + honoured)
}

/** Every figure of a record at `now` with its credible interval. */
export const estimate = (record: ProviderRecord, now: number): RecordEstimate => {
  const { refusal, hazard, success, start, duration, mismatch } = decayRecord(record, now)
  const model = recordModel
  const outages = model.hazard.outages + hazard.outages
  const hours = model.hazard.hours + hazard.hours
  return {
    refusal: shareEstimate(model.refusal.refused + refusal.refused, model.refusal.honoured + refusal.honoured),
    hazardPerHour: {
      mean: outages / hours,
      low: gammaQuantile(tail, outages, hours),
      high: gammaQuantile(1 - tail, outages, hours),
    },
    success: shareEstimate(model.success.succeeded + success.succeeded, model.success.failed + success.failed),
    start: factorEstimate(factorPosterior(start, model.start)),
    duration: factorEstimate(factorPosterior(duration, model.duration)),
    mismatch: shareEstimate(model.mismatch.mismatched + mismatch.mismatched, model.mismatch.matched + mismatch.matched),
  }
}
