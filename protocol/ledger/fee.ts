import type { NanoUsd } from '../money/money.ts'

/** A fee may be any part of a payment, in hundredths of a percent. */
export const maxFeeBasisPoints = 10_000

/**
 * What the market keeps of a payment: `paid × basisPoints ÷ 10,000`, rounded half up to a nano-dollar, once. The payment is
 * the sum of the receipts that one ledger entry pays.
 */
export const feeOf = (paid: NanoUsd, basisPoints: number): NanoUsd =>
  (paid * BigInt(basisPoints) + BigInt(maxFeeBasisPoints / 2)) / BigInt(maxFeeBasisPoints)

/**
 * The fee of a payment shared over its receipts, in their order: with `c(i)` the sum of the first i amounts, receipt i bears
 * `⌊fee × c(i) ÷ c(n)⌋ − ⌊fee × c(i−1) ÷ c(n)⌋`. The shares add up to the fee. Nothing where the receipts come to nothing.
 */
export const shareFee = (fee: NanoUsd, amounts: readonly NanoUsd[]): NanoUsd[] => {
  const total = amounts.reduce((sum, amount) => sum + amount, 0n)
  if (fee === 0n || total === 0n) return amounts.map(() => 0n)
  let sum = 0n
  let shared = 0n
  return amounts.map((amount) => {
    sum += amount
    const before = shared
    shared = (fee * sum) / total
    return shared - before
  })
}
