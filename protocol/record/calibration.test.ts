import { expect, test } from 'vitest'
import { drawExponential, drawGamma, drawNormal, seededRandom } from '../arbitrary/seeded-random.ts'
import { estimate, type Estimate } from './estimate.ts'
import { emptyRecord, type ProviderRecord } from './provider-record.ts'
import { credibility, recordModel } from './record-model.ts'

const machines = 2_000
const now = 1

/** Machines drawn from the prior, each seen a while: how many of the intervals hold the truth. */
const coverage = (
  seed: number,
  draw: (random: () => number) => { readonly truth: number; readonly record: ProviderRecord },
  of: (record: ProviderRecord) => Estimate,
): number => {
  const random = seededRandom(seed)
  let held = 0
  for (let i = 0; i < machines; i++) {
    const { truth, record } = draw(random)
    const { low, high } = of(record)
    if (low <= truth && truth <= high) held++
  }
  return held / machines
}

/** Four standard errors of a share of so many draws. */
const margin = 4 * Math.sqrt((credibility * (1 - credibility)) / machines)

test('intervals hold the truth as often as they say: a share', () => {
  const { succeeded, failed } = recordModel.success
  const held = coverage(
    1,
    (random) => {
      const [a, b] = [drawGamma(random, succeeded), drawGamma(random, failed)]
      const truth = a / (a + b)
      const attempts = Math.floor(40 * random())
      let good = 0
      for (let i = 0; i < attempts; i++) if (random() < truth) good++
      return { truth, record: { ...emptyRecord, at: now, success: { succeeded: good, failed: attempts - good } } }
    },
    (record) => estimate(record, now).success,
  )
  expect(Math.abs(held - credibility)).toBeLessThan(margin)
})

test('intervals hold the truth as often as they say: a hazard', () => {
  const { outages, hours } = recordModel.hazard
  const held = coverage(
    2,
    (random) => {
      const truth = drawGamma(random, outages) / hours
      const seenHours = 300 * random()
      let lost = 0
      for (let t = drawExponential(random) / truth; t < seenHours; t += drawExponential(random) / truth) lost++
      return { truth, record: { ...emptyRecord, at: now, hazard: { outages: lost, hours: seenHours } } }
    },
    (record) => estimate(record, now).hazardPerHour,
  )
  expect(Math.abs(held - credibility)).toBeLessThan(margin)
})

test('intervals hold the truth as often as they say: a factor', () => {
  const { weight, shape, scale } = recordModel.duration
  const held = coverage(
    3,
    (random) => {
      const variance = scale / drawGamma(random, shape)
      const mean = Math.sqrt(variance / weight) * drawNormal(random)
      let [count, sum, squares] = [0, 0, 0]
      for (const most = Math.floor(10 * random()); count < most; count++) {
        const log = mean + Math.sqrt(variance) * drawNormal(random)
        sum += log
        squares += log * log
      }
      return { truth: Math.exp(mean), record: { ...emptyRecord, at: now, duration: { count, sum, squares } } }
    },
    (record) => estimate(record, now).duration,
  )
  expect(Math.abs(held - credibility)).toBeLessThan(margin)
})
