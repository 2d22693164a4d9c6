import fc from 'fast-check'
import { expect, test } from 'vitest'
import { largest, measureCount, reaches, sizeCode } from './size-code.ts'

const gib = 2 ** 30
const measure = fc.oneof(
  fc.constantFrom(0, 1, 999, 1_000, 2_000, 8 * gib, 48 * gib, 2 ** 50),
  fc.nat({ max: 200_000 }),
  fc.integer({ min: 0, max: 1_024 }).map((size) => size * gib),
)
const measures = fc
  .array(measure, { minLength: measureCount, maxLength: measureCount })
  .map((all) => Float64Array.from(all))

test('a code never says no to what is enough', () => {
  fc.assert(
    fc.property(measures, measures, (has, more) => {
      const needs = has.map((value, index) => Math.min(value, more[index] ?? 0))
      expect(reaches(sizeCode(has, 0), sizeCode(needs, 0))).toBe(true)
    }),
  )
})

test('and says no where a measure is a step short, whichever it is', () => {
  const large = Float64Array.of(256_000, 1024 * gib, 8_000 * gib, 32, 192 * gib, 10_000, 10_000, 0)
  expect(reaches(sizeCode(large, 0), sizeCode(large, 0))).toBe(true)
  for (let index = 0; index < measureCount - 1; index++) {
    const short = large.slice()
    short[index] = 0
    expect(reaches(sizeCode(short, 0), sizeCode(large, 0))).toBe(false)
  }
})

test('the largest of two codes is enough for what either is enough for, and for no step more', () => {
  fc.assert(
    fc.property(measures, measures, (a, b) => {
      const both = a.map((value, index) => Math.max(value, b[index] ?? 0))
      expect(largest(sizeCode(a, 0), sizeCode(b, 0))).toBe(sizeCode(both, 0))
    }),
  )
})
