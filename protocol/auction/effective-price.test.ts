import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawExponential, seededRandom } from '../arbitrary/seeded-random.ts'
import type { Offer, SignedOffer } from '../offer/offer.ts'
import type { Reliability } from '../record/estimate.ts'
import { exampleOffer } from '../vector/example-records.ts'
import { checkpointEveryMs, effectivePrice, growth, type UnitOfWork } from './effective-price.ts'
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
  { hazardPerHour, success, startFactor, durationFactor, transferMs = 0 }: Reliability,
  unit: UnitOfWork,
  random: () => number,
) => {
  const transferHours = transferMs / hourMs
  const startHours = (unit.startMs * startFactor) / hourMs
  const whole = (unit.durationMs * durationFactor) / hourMs
  const { checkpoint } = unit
  const everyMs = checkpoint?.everyMs ?? Math.sqrt((2 * (checkpoint?.tookMs ?? 0) * hourMs) / hazardPerHour)
  const segments = checkpoint === null ? 1 : Math.max(1, Math.ceil((whole * hourMs) / everyMs))
  const segment = whole / segments + (checkpoint === null ? 0 : checkpoint.tookMs / hourMs)
  let [hours, starts, checkpoints, moving] = [0, 0, 0, 0]
  for (;;) {
    let kept = 0
    while (kept < segments) {
      starts++
      let left = drawExponential(random) / hazardPerHour
      moving += Math.min(left, transferHours)
      if (left < transferHours) continue
      left -= transferHours
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
    if (random() < success) return { hours, starts, checkpoints, moving }
  }
}

describe('the formula agrees with attempts that are played out', () => {
  const grid: readonly (readonly [
    hazard: number,
    success: number,
    factor: number,
    startMs: number,
    everyMs: number | 'none' | 'best',
    transferMs: number,
  ])[] = [0.01, 0.3, 1.5].flatMap((hazard) =>
    [0.6, 0.95].flatMap((success) =>
      [0.5, 2].flatMap((factor) =>
        (
          [
            [0, 'none', 0],
            [0, 'none', 1_200_000],
            [600_000, 'none', 0],
            [600_000, 900_000, 300_000],
            [600_000, 'best', 1_200_000],
          ] as const
        ).map(([startMs, everyMs, transferMs]) => [hazard, success, factor, startMs, everyMs, transferMs] as const),
      ),
    ),
  )

  test.each(grid)(
    'hazard %f, success %f, factor %f, start-up %i ms, checkpoints %s, transfer %i ms',
    (hazard, success, factor, startMs, everyMs, transferMs) => {
      const reliability = { hazardPerHour: hazard, success, startFactor: 1, durationFactor: factor, transferMs }
      const unit: UnitOfWork = {
        ...work,
        startMs,
        transferNanoUsd: 50_000,
        checkpoint:
          everyMs === 'none' ? null : { everyMs: everyMs === 'best' ? null : everyMs, tookMs: 60_000, nanoUsd: 10_000 },
      }
      const price = 1_000_000
      const random = seededRandom(17)
      const runs = 4_000
      let [sum, squares, transfers, transferSquares] = [0, 0, 0, 0]
      for (let i = 0; i < runs; i++) {
        const { hours, starts, checkpoints, moving } = simulate(reliability, unit, random)
        const moved = moving * price + starts * unit.transferNanoUsd
        transfers += moved
        transferSquares += moved * moved
        const cost =
          (hours + moving) * price +
          starts * unit.transferNanoUsd +
          (unit.checkpoint === null ? 0 : checkpoints * unit.checkpoint.nanoUsd)
        sum += cost
        squares += cost * cost
      }
      const mean = sum / runs
      const standardError = Math.sqrt((squares / runs - mean * mean) / runs)
      const { nanoUsd, transfer } = effectivePrice(priced(BigInt(price)), reliability, unit)
      expect(Math.abs(nanoUsd - mean)).toBeLessThan(4 * standardError)
      const moved = transfers / runs
      const movedError = Math.sqrt(Math.max(0, transferSquares / runs - moved * moved) / runs)
      expect(Math.abs(transfer - moved)).toBeLessThan(4 * movedError + 1e-6 * moved)
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
          { ...good, transferMs: 1000 * more },
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

test('checkpoints as often as Young and Daly have it cost less than twice as often, and than half as often', () => {
  const [tookMs, hazardPerHour] = [120_000, 0.4]
  const everyMs = checkpointEveryMs(tookMs, hazardPerHour)
  const costAt = (every: number | null) =>
    effectivePrice(
      priced(1_000_000n),
      { ...sound, hazardPerHour },
      { ...work, durationMs: 100 * hourMs, checkpoint: { everyMs: every, tookMs, nanoUsd: 0 } },
    ).nanoUsd
  expect(costAt(null)).toBe(costAt(everyMs))
  for (const times of [0.5, 2]) expect(costAt(everyMs * times)).toBeGreaterThan(costAt(null))
  expect(checkpointEveryMs(tookMs, 0)).toBe(Infinity)
})

test('a transfer costs the time of the slot, in whatever unit it is sold', () => {
  const moving = { ...sound, transferMs: 900_000 }
  expect(effectivePrice(priced(2_000_000n), moving, work)).toMatchObject({ nanoUsd: 2_500_000, transfer: 500_000 })
  expect(effectivePrice(priced(1_000n, 'task'), moving, work)).toMatchObject({ nanoUsd: 1_250, overhead: 1 })
  expect(effectivePrice(priced(0n), moving, work).nanoUsd).toBe(0)
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
  expect(rankEffective(byPrice, reliabilityOf, work).map(({ offer: { record } }) => record.id)).toEqual([
    'a',
    'b',
    'sound',
    'flaky',
  ])
})
