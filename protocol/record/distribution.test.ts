import fc from 'fast-check'
import { expect, test } from 'vitest'
import { betaCdf, betaQuantile, gammaQuantile, studentQuantile } from './distribution.ts'

const probability = fc.double({ min: 0.001, max: 0.999, noNaN: true })

test('quantiles are those with a closed form', () => {
  fc.assert(
    fc.property(probability, fc.double({ min: 0.1, max: 5_000, noNaN: true }), (p, k) => {
      expect(betaQuantile(p, 1, k)).toBeCloseTo(-Math.expm1(Math.log1p(-p) / k), 9)
      expect(betaQuantile(p, k, 1)).toBeCloseTo(p ** (1 / k), 9)
      expect(gammaQuantile(p, 1, k) * k).toBeCloseTo(-Math.log1p(-p), 9)
    }),
    { numRuns: 200 },
  )
  for (const p of [0.5, 0.75, 0.95, 0.999]) {
    expect(studentQuantile(p, 1)).toBeCloseTo(Math.tan(Math.PI * (p - 0.5)), 6)
    expect(studentQuantile(p, 2)).toBeCloseTo((2 * p - 1) / Math.sqrt(2 * p * (1 - p)), 6)
  }
})

test('quantiles are those of the tables', () => {
  expect(studentQuantile(0.95, 4)).toBeCloseTo(2.131847, 5)
  expect(studentQuantile(0.95, 30)).toBeCloseTo(1.697261, 5)
  // Half the chi-square distribution with 10 and with 100 degrees of freedom.
  expect(2 * gammaQuantile(0.95, 5, 1)).toBeCloseTo(18.307038, 5)
  expect(2 * gammaQuantile(0.05, 50, 1)).toBeCloseTo(77.929465, 5)
})

test('a beta quantile is where the distribution reaches it, whatever the parameters', () => {
  const parameter = fc.double({ min: 0.5, max: 2_000, noNaN: true })
  fc.assert(
    fc.property(probability, parameter, parameter, (p, a, b) => {
      const x = betaQuantile(p, a, b)
      expect(betaCdf(x, a, b)).toBeCloseTo(p, 4)
      expect(betaQuantile(1 - p, b, a)).toBeCloseTo(1 - x, 4)
    }),
    { numRuns: 200 },
  )
})
