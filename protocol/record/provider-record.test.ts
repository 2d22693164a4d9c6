import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import type { Address } from '../signature/address.ts'
import { describeRecord, recordFigureSchema } from './describe-record.ts'
import { estimate, expectReliability } from './estimate.ts'
import { observationSchema, type Observation } from './observation.ts'
import { decayRecord, emptyRecord, observe, type ProviderRecord } from './provider-record.ts'
import { recordModel } from './record-model.ts'

const dayMs = 86_400_000
const start = 1_790_000_000_000

const observation = fc
  .tuple(outputsOf(observationSchema), fc.integer({ min: 0, max: 365 * dayMs }), fc.boolean())
  .map(([seen, after, wasLost]): Observation => ({ ...seen, at: start + after, outages: wasLost ? 1 : 0 }))

const fold = (seen: readonly Observation[], now: number): ProviderRecord =>
  seen.reduce((record, each) => observe(record, each, now), emptyRecord)

const numbersOf = (record: ProviderRecord): number[] =>
  Object.entries(record).flatMap(([, part]): number[] => (typeof part === 'number' ? [part] : Object.values(part)))

const expectSame = (a: ProviderRecord, b: ProviderRecord): void => {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? Number.NaN
    expect(Math.abs(value - other)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value), Math.abs(other)))
  }
}

const nothing: Observation = {
  id: 'x',
  provider: `0x${'1'.repeat(40)}` as Address,
  at: start,
  program: '',
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
  durationFactor: null,
  startFactor: null,
}

describe('a record', () => {
  test('is the same whatever the order its observations come in, and however late', () => {
    const shuffled = fc
      .array(observation, { minLength: 1, maxLength: 12 })
      .chain((seen) => fc.tuple(fc.constant(seen), fc.shuffledSubarray(seen, { minLength: seen.length })))
    fc.assert(
      fc.property(shuffled, ([seen, other]) => {
        const now = start + 400 * dayMs
        expectSame(decayRecord(fold(seen, now), now), decayRecord(fold(other, now), now))
      }),
    )
  })

  test('fades by time only: in two steps as in one', () => {
    fc.assert(
      fc.property(observation, fc.nat(200 * dayMs), fc.nat(200 * dayMs), (seen, first, then) => {
        const record = fold([seen], seen.at)
        const once = decayRecord(record, record.at + first + then)
        expectSame(decayRecord(decayRecord(record, record.at + first), record.at + first + then), once)
        expect(decayRecord(record, record.at - 1)).toEqual(record)
      }),
    )
  })

  test.each(Object.entries(recordModel))(
    'of %s counts half after its half-life, and nothing in the end',
    (part, model) => {
      const seen = {
        ...nothing,
        honoured: 8,
        refused: 2,
        exposureMs: 7_200_000,
        outages: 1,
        succeeded: 9,
        failed: 3,
        matched: 5,
        mismatched: 5,
        durationFactor: 3,
        startFactor: 5,
      }
      const record = observe(emptyRecord, seen, start)
      const half = decayRecord(record, start + model.halfLifeMs)
      const [before, after] = [record, half].map((each) => Object.values(each[part as 'start']))
      expect(after).toEqual(before?.map((value) => value / 2))
      const faded = describeRecord(record, start + 100 * model.halfLifeMs).find(({ name }) => name === part)
      const unknown = describeRecord(emptyRecord, start).find(({ name }) => name === part)
      expect(faded?.mean).toBeCloseTo(unknown?.mean ?? 0, 12)
      expect(faded?.high).toBeCloseTo(unknown?.high ?? 0, 9)
    },
  )

  test('takes what bears a time to come as seen now', () => {
    const ahead = { ...nothing, at: start + 10 * dayMs, honoured: 4 }
    expect(observe(emptyRecord, ahead, start)).toMatchObject({ at: start, refusal: { honoured: 4 } })
  })

  test('counts the attempts of one lease as a hundred at most', () => {
    const many = observe(emptyRecord, { ...nothing, succeeded: 9_000, failed: 1_000 }, start)
    expect(many.success).toEqual({ succeeded: 90, failed: 10 })
    const few = observe(emptyRecord, { ...nothing, succeeded: 9, failed: 1 }, start)
    expect(few.success).toEqual({ succeeded: 9, failed: 1 })
  })
})

describe('estimates', () => {
  test('of an unknown machine are the base rates', () => {
    const { refusal, hazardPerHour, success, start: startUp, duration, mismatch } = estimate(emptyRecord, start)
    expect(refusal.mean).toBeCloseTo(0.1, 12)
    expect(hazardPerHour.mean).toBeCloseTo(1 / 60, 12)
    expect(success.mean).toBeCloseTo(0.95, 12)
    expect([startUp.mean, duration.mean]).toEqual([1, 1])
    expect(duration.expected).toBeCloseTo(Math.exp(0.225), 12)
    expect(mismatch.mean).toBeCloseTo(0.01, 12)
    expect(expectReliability(emptyRecord, start).success).toBeCloseTo(8.5 / 9, 12)
  })

  test('of anything that was seen are finite, in order, and say what their schema says', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 4 }), (seen) => {
        const now = start + 365 * dayMs
        for (const figure of describeRecord(fold(seen, now), now)) {
          expect(recordFigureSchema.parse(figure)).toEqual(figure)
          expect(figure.low).toBeLessThanOrEqual(figure.high)
          for (const value of [figure.mean, figure.low, figure.high]) expect(value).toBeGreaterThanOrEqual(0)
        }
        const { hazardPerHour, success, startFactor, durationFactor } = expectReliability(fold(seen, now), now)
        expect(hazardPerHour).toBeGreaterThan(0)
        expect(success).toBeGreaterThan(0)
        expect(success).toBeLessThan(1)
        expect(startFactor * durationFactor).toBeGreaterThan(0)
      }),
      { numRuns: 60 },
    )
  })

  test('get worse by what is bad and better by what is good', () => {
    const after = (change: Partial<Observation>) =>
      expectReliability(observe(emptyRecord, { ...nothing, ...change }, start), start)
    const unknown = expectReliability(emptyRecord, start)
    expect(after({ outages: 1, exposureMs: 3_600_000 }).hazardPerHour).toBeGreaterThan(unknown.hazardPerHour)
    expect(after({ exposureMs: 3_600_000 }).hazardPerHour).toBeLessThan(unknown.hazardPerHour)
    expect(after({ failed: 1 }).success).toBeLessThan(unknown.success)
    expect(after({ succeeded: 1 }).success).toBeGreaterThan(unknown.success)
    expect(after({ durationFactor: 0.5 }).durationFactor).toBeLessThan(unknown.durationFactor)
    expect(after({ startFactor: 8 }).startFactor).toBeGreaterThan(unknown.startFactor)
    expect(after({ mismatched: 50 })).toEqual(unknown)
  })
})
