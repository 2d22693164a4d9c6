import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { priceAxis, priceUnitName, sayUsd, shownUsd } from './say-price.ts'

test.each([
  [2_030_000_000, { kind: 'nvidia-h100', per: 'hour' }, '$2.03', 'GPU-hour'],
  [50_000_000, { kind: 'cpu', per: 'hour' }, '$0.0500', 'core-hour'],
  [125, { kind: 'cpu', per: 'operator' }, '$0.125', 'million operators'],
  [102, { kind: 'cpu', per: 'task' }, '$0.000000102', 'task'],
  [1_234_000_000_000, { kind: 'cpu', per: 'task' }, '$1234', 'task'],
  [0, { kind: 'cpu', per: 'task' }, '$0', 'task'],
] as const)('%d nano-dollars of %o are %s for a %s', (price, unit, said, name) => {
  expect(sayUsd(shownUsd(price, unit))).toBe(said)
  expect(priceUnitName(unit)).toBe(name)
})

describe('an axis', () => {
  test.each([
    [[1.91, 2.32], 4, [1.8, 2, 2.2, 2.4]],
    [[0, 97], 5, [0, 20, 40, 60, 80, 100]],
    [[0.0000001, 0.00000012], 2, [1e-7, 1.1e-7, 1.2e-7]],
  ])('of %o in %d steps has round ticks', (values, steps, ticks) => {
    const axis = priceAxis(values, steps)
    expect(axis.ticks.map((tick) => Number(tick.toPrecision(6)))).toEqual(ticks)
  })

  test('holds every value, in even steps, each told apart by its decimals', () => {
    const price = fc.double({ min: 1e-9, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.array(price, { minLength: 1, maxLength: 20 }), fc.integer({ min: 2, max: 8 }), (values, steps) => {
        const { from, to, ticks, decimals } = priceAxis(values, steps)
        expect(from).toBeLessThanOrEqual(Math.min(...values) * (1 + 1e-6) + 1e-15)
        expect(to).toBeGreaterThanOrEqual(Math.max(...values) * (1 - 1e-6))
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(steps + 3)
        expect(new Set(ticks.map((tick) => tick.toFixed(decimals))).size).toBe(ticks.length)
      }),
    )
  })
})
