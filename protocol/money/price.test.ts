import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chargeFor, priceSchema } from './price.ts'

const nanoUsd = fc.bigInt({ min: 0n, max: 2n ** 40n })
const operators = fc.nat({ max: 10_000_000 })
const slotMs = fc.integer({ min: 0, max: 2 ** 48 })

test('a price by the task is the price', () => {
  fc.assert(
    fc.property(nanoUsd, operators, slotMs, (price, count, ms) => {
      expect(chargeFor({ nanoUsd: price, per: 'task' }, { operators: count, slotMs: ms })).toBe(price)
    }),
  )
})

test('a price by the operator is multiplied by their number and not by time', () => {
  fc.assert(
    fc.property(nanoUsd, operators, slotMs, (price, count, ms) => {
      expect(chargeFor({ nanoUsd: price, per: 'operator' }, { operators: count, slotMs: ms })).toBe(
        price * BigInt(count),
      )
    }),
  )
})

test('a price by the hour is within half a nano-dollar of the exact charge, and half is rounded up', () => {
  fc.assert(
    fc.property(nanoUsd, slotMs, (price, ms) => {
      const charge = chargeFor({ nanoUsd: price, per: 'hour' }, { operators: 0, slotMs: ms })
      const twiceExact = 2n * price * BigInt(ms)
      const twiceError = 2n * charge * 3_600_000n - twiceExact
      expect(twiceError).toBeGreaterThan(-3_600_000n)
      expect(twiceError).toBeLessThanOrEqual(3_600_000n)
    }),
  )
})

test.each([
  [20_000_000n, 50, 278n],
  [3_600_000n, 1, 1n],
  [1_800_000n, 1, 1n],
  [1_799_999n, 1, 0n],
  [5_400_000n, 1, 2n],
  [0n, 1_000_000, 0n],
  [7n, 3_600_000, 7n],
])('%s an hour for %s ms is %s', (price, ms, expected) => {
  expect(chargeFor({ nanoUsd: price, per: 'hour' }, { operators: 9, slotMs: ms })).toBe(expected)
})

test('longer never costs less', () => {
  fc.assert(
    fc.property(nanoUsd, slotMs, slotMs, (price, a, b) => {
      const charge = (ms: number) => chargeFor({ nanoUsd: price, per: 'hour' }, { operators: 0, slotMs: ms })
      expect(charge(Math.max(a, b))).toBeGreaterThanOrEqual(charge(Math.min(a, b)))
    }),
  )
})

test('a price is of a known unit and not below zero', () => {
  expect(priceSchema.parse({ nanoUsd: '12', per: 'hour' })).toEqual({ nanoUsd: 12n, per: 'hour' })
  expect(priceSchema.safeParse({ nanoUsd: -1, per: 'hour' }).success).toBe(false)
  expect(priceSchema.safeParse({ nanoUsd: 1, per: 'second' }).success).toBe(false)
  expect(priceSchema.safeParse({ nanoUsd: 1, per: 'hour', more: 1 }).success).toBe(false)
})
