import fc from 'fast-check'
import { expect, test } from 'vitest'
import { curveFactor } from './curve-factor.ts'
import { fromMillionths, isLess, one, sayRatio } from './ratio.ts'

const point = (sold: number, factor: number) => ({
  sold: fromMillionths(BigInt(sold * 1e6)),
  factor: fromMillionths(BigInt(factor * 1e6)),
})
const at = (points: Parameters<typeof curveFactor>[0], sold: number): string =>
  sayRatio(curveFactor(points, fromMillionths(BigInt(sold * 1e6))), 9)

test('without points it is 1, and with one it is level', () => {
  expect(curveFactor([], fromMillionths(500_000n))).toEqual(one)
  expect([0, 0.3, 1].map((sold) => at([point(0.3, 0.7)], sold))).toEqual(['0.7', '0.7', '0.7'])
})

test('it is straight between points, up and down, and level outside them', () => {
  const points = [point(0.2, 1), point(0.6, 2), point(0.8, 0.5)]
  expect([0, 0.2, 0.3, 0.6, 0.7, 0.8, 1].map((sold) => at(points, sold))).toEqual([
    '1',
    '1',
    '1.25',
    '2',
    '1.25',
    '0.5',
    '0.5',
  ])
})

test('it lies between the least and the greatest factor', () => {
  const millionths = fc.bigInt({ min: 0n, max: 1_000_000n })
  fc.assert(
    fc.property(
      fc.uniqueArray(millionths, { minLength: 1, maxLength: 8 }),
      fc.array(millionths, { minLength: 8, maxLength: 8 }),
      millionths,
      (sold, factors, share) => {
        const points = sold
          .toSorted((a, b) => Number(a - b))
          .map((each, index) => ({ sold: fromMillionths(each), factor: fromMillionths(factors[index] ?? 0n) }))
        const made = curveFactor(points, fromMillionths(share))
        expect(points.some(({ factor }) => !isLess(made, factor))).toBe(true)
        expect(points.some(({ factor }) => !isLess(factor, made))).toBe(true)
      },
    ),
  )
})
