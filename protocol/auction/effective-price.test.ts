import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawExponential, seededRandom } from '../arbitrary/seeded-random.ts'
import type { Offer, SignedOffer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'
import { exampleOffer } from '../vector/example-records.ts'
import { effectivePrice, growth, type UnitOfWork } from './effective-price.ts'
import { rankEffective } from './rank-effective.ts'

const hourMs = 3_600_000
const sound: Reliability = { hazardPerHour: 0, success: 1, startFactor: 1, durationFactor: 1 }
const work: UnitOfWork = { durationMs: hourMs, startMs: 0, operators: 7, transferNanoUsd: 0, checkpoint: null }
const priced = (nanoUsd: bigint, per: Offer['price']['per'] = 'hour'): Pick<Offer, 'price'> => ({
  price: { nanoUsd, per },
})

test('growth is exp(x) − 1', () => {
  for (const x of [0, 1e-300, 1e-12, 0.1, 0.25, 0.26, 1, 5, 50, 700]) {
    expect(Math.abs(growth(x) - Math.expm1(x))).toBeLessThanOrEqual(1e-12 * Math.expm1(x))
  }
  expect(growth(800)).toBe(Infinity)
  expect(growth(Infinity)).toBe(Infinity)
})

describe('of a machine that never fails, a unit costs its price', () => {
  test.each([
    ['hour', 2_000_000, 2_000_000],
    ['task', 500, 500],
    ['operator', 500, 3_500],
  ] as const)('per %s', (per, price, expected) => {
    const { nanoUsd, overhead, starts } = effectivePrice(priced(BigInt(price), per), sound, work)
    expect([nanoUsd, overhead, starts]).toEqual([expected, 1, 1])
  })

  test('slowness is paid for where time is sold, and nowhere else', () => {
    const slow = { ...sound, durationFactor: 3 }
    expect(effectivePrice(priced(100n), slow, work).nanoUsd).toBe(300)
    expect(effectivePrice(priced(100n, 'task'), slow, work).nanoUsd).toBe(100)
  })
})

/** One unit on a machine, attempt after attempt, as docs/spec/award.md has it: hours, starts and checkpoints until it is finished. */
const simulate = (
  { hazardPerHour, success, startFactor, durationFactor }: Reliability,
  unit: UnitOfWork,
  random: () => number,
) => {
  const startHours = (unit.startMs * startFactor) / hourMs
  const whole = (unit.durationMs * durationFactor) / hourMs
  const { checkpoint } = unit
  const segments = checkpoint === null ? 1 : Math.max(1, Math.ceil((whole * hourMs) / checkpoint.everyMs))
  const segment = whole / segments + (checkpoint === null ? 0 : checkpoint.tookMs / hourMs)
  let [hours, starts, checkpoints] = [0, 0, 0]
  for (;;) {
    let kept = 0
    while (kept < segments) {
      starts++
      let left = drawExponential(random) / hazardPerHour
      if (left < startHours) {
        hours += left
        continue
      }
      hours += startHours
      left -= startHours
      while (kept < segments && left >= segment) {
        hours += segment
        left -= segment
        kept++
        checkpoints++
      }
      if (kept < segments) hours += left
    }
    if (random() < success) return { hours, starts, checkpoints }
  }
}

describe('the formula agrees with attempts that are played out', () => {
  const grid: readonly (readonly [
    hazard: number,
    success: number,
    factor: number,
    startMs: number,
    everyMs: number | null,
  ])[] = [0.01, 0.3, 1.5].flatMap((hazard) =>
    [0.6, 0.95].flatMap((success) =>
      [0.5, 2].flatMap((factor) =>
        (
          [
            [0, null],
            [600_000, null],
            [600_000, 900_000],
          ] as const
        ).map(([startMs, everyMs]) => [hazard, success, factor, startMs, everyMs] as const),
      ),
    ),
  )

  test.each(grid)(
    'hazard %f, success %f, factor %f, start-up %i ms, checkpoints %s',
    (hazard, success, factor, startMs, everyMs) => {
      const reliability = { hazardPerHour: hazard, success, startFactor: 1, durationFactor: factor }
      const unit: UnitOfWork = {
        ...work,
        startMs,
        transferNanoUsd: 50_000,
        checkpoint: everyMs === null ? null : { everyMs, tookMs: 60_000, nanoUsd: 10_000 },
      }
      const price = 1_000_000
      const random = seededRandom(17)
      const runs = 4_000
      let [sum, squares] = [0, 0]
      for (let i = 0; i < runs; i++) {
        const { hours, starts, checkpoints } = simulate(reliability, unit, random)
        const cost =
          hours * price +
          starts * unit.transferNanoUsd +
          (unit.checkpoint === null ? 0 : checkpoints * unit.checkpoint.nanoUsd)
        sum += cost
        squares += cost * cost
      }
      const mean = sum / runs
      const standardError = Math.sqrt((squares / runs - mean * mean) / runs)
      const { nanoUsd } = effectivePrice(priced(BigInt(price)), reliability, unit)
      expect(Math.abs(nanoUsd - mean)).toBeLessThan(4 * standardError)
      // A formula that left the losses or the failures out would be found.
      expect(standardError).toBeLessThan(0.05 * mean)
    },
  )
})

test('it never falls as a machine gets worse, and is at least the price', () => {
  const amount = fc.double({ min: 0, max: 10, noNaN: true })
  const unit = fc.record({
    durationMs: fc.integer({ min: 1, max: 100 * hourMs }),
    startMs: fc.integer({ min: 0, max: hourMs }),
    operators: fc.constant(7),
    transferNanoUsd: fc.nat(1_000),
    checkpoint: fc.option(
      fc.record({ everyMs: fc.integer({ min: 60_000, max: hourMs }), tookMs: fc.nat(60_000), nanoUsd: fc.nat(1_000) }),
      { nil: null },
    ),
  })
  const share = fc.double({ min: 0.01, max: 1, noNaN: true })
  fc.assert(
    fc.property(
      unit,
      amount,
      amount,
      share,
      share,
      fc.constantFrom('task', 'hour' as const),
      (of, hazard, more, success, less, per) => {
        const good = { ...sound, hazardPerHour: hazard, success }
        const offer = priced(1_000_000n, per)
        const cost = effectivePrice(offer, good, of)
        expect(cost.nanoUsd).toBeGreaterThanOrEqual(cost.base * (1 - 1e-9))
        for (const worse of [
          { ...good, hazardPerHour: hazard + more },
          { ...good, success: success * less },
          { ...good, startFactor: 1 + more },
        ]) {
          const worseCost = effectivePrice(offer, worse, of).nanoUsd
          expect(worseCost).not.toBeNaN()
          if (per === 'task' && worse.startFactor > 1) continue
          expect(worseCost).toBeGreaterThanOrEqual(cost.nanoUsd * (1 - 1e-9))
        }
      },
    ),
  )
})

test('the example of the specification', () => {
  const cost = (price: bigint, hazardPerHour: number, hours: number) =>
    effectivePrice(priced(price, 'task'), { ...sound, hazardPerHour }, { ...work, durationMs: hours * hourMs })
      .nanoUsd / 1e9
  const [a, b] = [100_000_000n, 120_000_000n]
  expect([cost(a, 0.5, 0.5), cost(b, 0.005, 0.5)].map((each) => each.toFixed(4))).toEqual(['0.1136', '0.1202'])
  expect([cost(a, 0.5, 2), cost(b, 0.005, 2)].map((each) => each.toFixed(4))).toEqual(['0.1718', '0.1206'])
})

test('a unit that is never finished costs without end, and what is free costs nothing', () => {
  const gone = { ...sound, hazardPerHour: 1e6 }
  expect(effectivePrice(priced(1n), gone, work).nanoUsd).toBe(Infinity)
  expect(effectivePrice(priced(0n), gone, work).nanoUsd).toBe(0)
})

test('offers are ranked by it, and of equals the cheaper stays before the dearer', () => {
  const offer = (id: string, provider: string, nanoUsd: bigint): SignedOffer => ({
    record: {
      ...exampleOffer,
      id: id as Offer['id'],
      provider: provider as Offer['provider'],
      price: { nanoUsd, per: 'hour' },
    },
    signature: '0x',
  })
  const byPrice = [offer('a', '0x1', 0n), offer('b', '0x2', 0n), offer('flaky', '0x3', 50n), offer('sound', '0x4', 60n)]
  const reliabilityOf = (provider: string) => (provider === '0x3' ? { ...sound, hazardPerHour: 1 } : sound)
  expect(rankEffective(byPrice, reliabilityOf, work).map(({ record }) => record.id)).toEqual([
    'a',
    'b',
    'sound',
    'flaky',
  ])
})
