import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attemptId } from '../id/task-id.ts'
import { newId } from '../id/id.ts'
import { exampleLease, exampleSigners } from '../vector/example-records.ts'
import { systemWorld } from '../world/system-world.ts'
import { feeOf, shareFee } from './fee.ts'
import { checkStatement, type Statement, type StatementEntry, type StatementLine } from './statement.ts'

const at = 1_790_000_000_000

/** A statement of payments with these receipts, as a market writes it that errs nowhere. */
const statementOf = (payments: readonly (readonly bigint[])[], opening = 0n): Statement => {
  const lines: StatementLine[] = []
  const entries: StatementEntry[] = []
  let closing = opening
  for (const amounts of payments) {
    const entry = newId(systemWorld, 'entry')
    const paid = amounts.reduce((sum, amount) => sum + amount, 0n)
    const fee = feeOf(paid, 250)
    const fees = shareFee(fee, amounts)
    amounts.forEach((amount, index) => {
      const attempt = attemptId(exampleLease.job, lines.length, 1)
      const receipt = newId(systemWorld, 'receipt')
      lines.push({ receipt, attempt, at, amount, fee: fees[index] ?? 0n, entry, reverses: null })
    })
    entries.push({ entry, kind: 'payment', at, earned: paid - fee })
    closing += paid - fee
  }
  const provider = exampleSigners.provider.address
  return { market: exampleLease.market, chainId: 1, provider, from: at, to: at + 1, opening, closing, lines, entries }
}

const statement = fc
  .tuple(
    fc.array(fc.array(fc.bigInt({ min: 1n, max: 10n ** 9n }), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.bigInt({ min: 0n, max: 10n ** 12n }),
  )
  .map(([payments, opening]) => statementOf(payments, opening))

test('a statement that is right adds up: opening and what was earned are closing', () => {
  fc.assert(
    fc.property(statement, (right) => {
      const { totals, faults } = checkStatement(right)
      expect(faults).toEqual([])
      expect(totals.amount - totals.fee).toBe(totals.earned)
      expect(right.opening + totals.earned).toBe(right.closing)
    }),
  )
})

/** Each way to be off by one. */
const spoil: readonly (readonly [string, (right: Statement, index: number) => Statement])[] = [
  [
    'a receipt is missing',
    (right, index) => ({ ...right, lines: right.lines.toSpliced(index % right.lines.length, 1) }),
  ],
  [
    'a receipt is there twice',
    (right, index) => ({
      ...right,
      lines: [...right.lines, ...right.lines.slice(index % right.lines.length).slice(0, 1)],
    }),
  ],
  [
    'an entry is missing',
    (right, index) => ({ ...right, entries: right.entries.toSpliced(index % right.entries.length, 1) }),
  ],
  ['an entry is there twice', (right) => ({ ...right, entries: [...right.entries, ...right.entries.slice(0, 1)] })],
  [
    'an amount is off by a nano-dollar',
    (right, index) => ({
      ...right,
      lines: right.lines.map((line, place) =>
        place === index % right.lines.length ? { ...line, amount: line.amount + 1n } : line,
      ),
    }),
  ],
  [
    'a fee is off by a nano-dollar',
    (right, index) => ({
      ...right,
      lines: right.lines.map((line, place) =>
        place === index % right.lines.length ? { ...line, fee: line.fee + 1n } : line,
      ),
    }),
  ],
  [
    'a receipt names no entry',
    (right) => ({
      ...right,
      lines: right.lines.map((line, place) => (place === 0 ? { ...line, amount: line.fee + 1n, entry: null } : line)),
    }),
  ],
  ['closing is off', (right) => ({ ...right, closing: right.closing + 1n })],
  ['opening is off', (right) => ({ ...right, opening: right.opening - 1n })],
  ['a receipt is of another period', (right) => ({ ...right, from: right.from + 1, to: right.to + 1 })],
]

test.each(spoil)('it is said where %s', (_, change) => {
  fc.assert(
    fc.property(statement, fc.nat(100), (right, index) => {
      const { faults } = checkStatement(change(right, index))
      expect(faults.length).toBeGreaterThan(0)
      for (const fault of faults) expect(fault).toMatch(/^[A-Z].*\.$/)
    }),
    { numRuns: 50 },
  )
})
