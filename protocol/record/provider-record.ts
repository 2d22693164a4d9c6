import type { Observation } from './observation.ts'
import { mostAttemptsPerLease, recordModel } from './record-model.ts'

/** Weighed sums of logarithms of factors. */
export interface FactorSums {
  readonly count: number
  readonly sum: number
  readonly squares: number
}

/** What was seen of a provider, as sums in which each observation weighs half after each half-life. Weights are those at `at`. */
export interface ProviderRecord {
  /** The time of the newest observation, wall-clock ms; 0 where there is none. */
  readonly at: number
  readonly refusal: { readonly refused: number; readonly honoured: number }
  readonly hazard: { readonly outages: number; readonly hours: number }
  readonly success: { readonly failed: number; readonly succeeded: number }
  readonly start: FactorSums
  readonly duration: FactorSums
  readonly mismatch: { readonly mismatched: number; readonly matched: number }
}

const noFactors: FactorSums = { count: 0, sum: 0, squares: 0 }

/** Of a provider of which nothing was seen. */
export const emptyRecord: ProviderRecord = {
  at: 0,
  refusal: { refused: 0, honoured: 0 },
  hazard: { outages: 0, hours: 0 },
  success: { failed: 0, succeeded: 0 },
  start: noFactors,
  duration: noFactors,
  mismatch: { mismatched: 0, matched: 0 },
}

const msPerHour = 3_600_000

const sumsOf = (factor: number | null): FactorSums => {
  if (factor === null) return noFactors
  const log = Math.log(factor)
  return { count: 1, sum: log, squares: log * log }
}

const successOf = ({ failed, succeeded }: Observation): ProviderRecord['success'] => {
  const weight = Math.min(1, mostAttemptsPerLease / Math.max(1, failed + succeeded))
  return { failed: failed * weight, succeeded: succeeded * weight }
}

const recordOf = (seen: Observation, at: number): ProviderRecord => ({
  at,
  refusal: { refused: seen.refused, honoured: seen.honoured },
  hazard: { outages: seen.outages, hours: seen.exposureMs / msPerHour },
  success: successOf(seen),
  start: sumsOf(seen.startFactor),
  duration: sumsOf(seen.durationFactor),
  mismatch: { mismatched: seen.mismatched, matched: seen.matched },
})

/** What is left of a weight in this part of the record after so many ms. */
const weightLeft = (part: keyof typeof recordModel, passedMs: number): number =>
  2 ** (-passedMs / recordModel[part].halfLifeMs)

/** The part of a record that prices count, as `decayRecord` has it: cheap, for auctions. */
export const decayPriced = (
  { at, hazard, success, start, duration }: ProviderRecord,
  now: number,
): Pick<ProviderRecord, 'hazard' | 'success' | 'start' | 'duration'> => {
  const passed = now - at
  if (passed <= 0 || at === 0) return { hazard, success, start, duration }
  const [ofHazard, ofSuccess] = [weightLeft('hazard', passed), weightLeft('success', passed)]
  const [ofStart, ofDuration] = [weightLeft('start', passed), weightLeft('duration', passed)]
  return {
    hazard: { outages: hazard.outages * ofHazard, hours: hazard.hours * ofHazard },
    success: { failed: success.failed * ofSuccess, succeeded: success.succeeded * ofSuccess },
    start: factorsTimes(start, ofStart),
    duration: factorsTimes(duration, ofDuration),
  }
}

const factorsTimes = ({ count, sum, squares }: FactorSums, weight: number): FactorSums => ({
  count: count * weight,
  sum: sum * weight,
  squares: squares * weight,
})

/** The record as it weighs at `now`; at a time before its newest observation it is what it is. */
export const decayRecord = (record: ProviderRecord, now: number): ProviderRecord => {
  const passed = now - record.at
  if (passed <= 0 || record.at === 0) return record
  const { refusal, mismatch } = record
  const [ofRefusal, ofMismatch] = [weightLeft('refusal', passed), weightLeft('mismatch', passed)]
  return {
    at: now,
    ...decayPriced(record, now),
    refusal: { refused: refusal.refused * ofRefusal, honoured: refusal.honoured * ofRefusal },
    mismatch: { mismatched: mismatch.mismatched * ofMismatch, matched: mismatch.matched * ofMismatch },
  }
}

const plus = <Sums extends { readonly [name: string]: number }>(a: Sums, b: Sums): Sums =>
  Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value + (b[name] ?? 0)])) as Sums

/**
 * The record with an observation more. Observations may come in any order: an old one counts as much as if it had come in
 * time. One from after `now` counts as made now.
 */
export const observe = (record: ProviderRecord, seen: Observation, now: number): ProviderRecord => {
  const seenAt = Math.min(seen.at, now)
  const at = Math.max(record.at, seenAt)
  const before = decayRecord(record, at)
  const added = decayRecord(recordOf(seen, seenAt), at)
  return {
    at,
    refusal: plus(before.refusal, added.refusal),
    hazard: plus(before.hazard, added.hazard),
    success: plus(before.success, added.success),
    start: plus({ ...before.start }, { ...added.start }),
    duration: plus({ ...before.duration }, { ...added.duration }),
    mismatch: plus(before.mismatch, added.mismatch),
  }
}
