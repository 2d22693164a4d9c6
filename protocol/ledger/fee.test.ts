import fc from 'fast-check'
import { expect, test } from 'vitest'
import { feeOf, maxFeeBasisPoints, shareFee } from './fee.ts'

const paid = fc.bigInt({ min: 0n, max: 2n ** 62n })
const basisPoints = fc.nat(maxFeeBasisPoints)

test('a fee is part of what was paid, to within half a nano-dollar of its share', () => {
  fc.assert(
    fc.property(paid, basisPoints, (amount, points) => {
      const fee = feeOf(amount, points)
      expect(fee >= 0n && fee <= amount).toBe(true)
      const error = fee * 10_000n - amount * BigInt(points)
      expect(error > -5_000n && error <= 5_000n).toBe(true)
    }),
  )
})

test('no fee is no fee, and all of it is all of it', () => {
  fc.assert(
    fc.property(paid, (amount) => {
      expect([feeOf(amount, 0), feeOf(amount, maxFeeBasisPoints)]).toEqual([0n, amount])
    }),
  )
})

test('a higher fee, or a larger payment, never takes less', () => {
  fc.assert(
    fc.property(paid, paid, basisPoints, basisPoints, (a, b, first, second) => {
      const [less, more] = first < second ? [first, second] : [second, first]
      expect(feeOf(a, less) <= feeOf(a, more)).toBe(true)
      const [small, large] = a < b ? [a, b] : [b, a]
      expect(feeOf(small, first) <= feeOf(large, first)).toBe(true)
    }),
  )
})

test('the shares of receipts add up to the fee, and each is part of its receipt', () => {
  const amounts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(amounts, basisPoints, (all, points) => {
      const total = all.reduce((sum, amount) => sum + amount, 0n)
      const fee = feeOf(total, points)
      const shares = shareFee(fee, all)
      expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(fee)
      shares.forEach((share, index) => expect(share >= 0n && share <= (all[index] ?? 0n)).toBe(true))
      expect(
        shareFee(
          -fee,
          all.map((amount) => -amount),
        ),
      ).toEqual(shares.map((share) => -share))
    }),
  )
})

test.each([
  [278n, 250, 7n],
  [20n, 250, 1n],
  [19n, 250, 0n],
  [34_750n, 100, 348n],
])('of %i at %i basis points the fee is %i', (amount, points, fee) => {
  expect(feeOf(amount, points)).toBe(fee)
})
