import { describe, expect, test } from 'vitest'
import { createRandom } from '../world/random.ts'
import { boundedPareto, byShare, exponential, logNormal, normal, weibull } from './draw.ts'

const draw = (count: number, of: () => number): number[] => Array.from({ length: count }, of).toSorted((a, b) => a - b)
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const at = (sorted: readonly number[], share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN

describe('what is drawn is distributed as it says', () => {
  const random = createRandom('draws')
  const count = 40_000

  test('normal: mean 0, standard deviation 1', () => {
    const values = draw(count, () => normal(random))
    expect(mean(values)).toBeCloseTo(0, 1)
    expect(Math.sqrt(mean(values.map((value) => value ** 2)))).toBeCloseTo(1, 1)
  })

  test('log-normal: the median, and one in six above e^sigma of it', () => {
    const values = draw(count, () => logNormal(random, 10, 0.5))
    expect(at(values, 0.5) / 10).toBeCloseTo(1, 1)
    expect(at(values, 0.8413) / (10 * Math.exp(0.5))).toBeCloseTo(1, 1)
  })

  test('exponential: mean, and median ln 2 of it', () => {
    const values = draw(count, () => exponential(random, 600))
    expect(mean(values) / 600).toBeCloseTo(1, 1)
    expect(at(values, 0.5) / (600 * Math.LN2)).toBeCloseTo(1, 1)
  })

  test('Weibull: the scale is not reached by 1 − 1/e, whatever the shape', () => {
    for (const shape of [0.43, 0.7, 1]) {
      const values = draw(count, () => weibull(random, shape, 100))
      expect(values.filter((value) => value < 100).length / count).toBeCloseTo(1 - 1 / Math.E, 1)
      expect(at(values, 0.5) / (100 * Math.LN2 ** (1 / shape))).toBeCloseTo(1, 0)
    }
  })

  test('bounded Pareto: within its bounds, half below twice the least', () => {
    const values = draw(count, () => boundedPareto(random, 1, 4, 2_000))
    expect(values[0]).toBeGreaterThanOrEqual(4)
    expect(values.at(-1)).toBeLessThanOrEqual(2_000)
    expect(values.filter((value) => value < 8).length / count).toBeCloseTo(0.5, 1)
  })

  test('kinds: as often as their share', () => {
    const kinds = [{ share: 0.5 }, { share: 0.3 }, { share: 0.2 }] as const
    const drawn = Array.from({ length: count }, () => byShare(random, kinds))
    for (const kind of kinds) expect(drawn.filter((each) => each === kind).length / count).toBeCloseTo(kind.share, 1)
  })
})
