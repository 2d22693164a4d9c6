import { expect, test } from 'vitest'
import { parseId } from '../id/id.ts'
import type { Receipt } from '../receipt/receipt.ts'
import { exampleLease, exampleReceipt } from '../vector/example-records.ts'
import {
  hourMs,
  partsPerUnit,
  quantityOf,
  createTradeTally,
  tradeSchema,
  unitPriceOf,
  type PaidReceipt,
} from './trade.ts'

const slot = { cpuMilli: 4_000, memoryBytes: 1, diskBytes: 0, gpuCount: 8 }
const sold = { kind: 'nvidia-h100', region: 'eu-west', country: 'NL' }
const start = exampleReceipt.issuedAt - (exampleReceipt.issuedAt % hourMs)
let number = 0

const paid = (change: Partial<Receipt> = {}, rest: Partial<PaidReceipt> = {}): PaidReceipt => {
  number++
  const id = parseId('receipt', `rcp_${String(number).padStart(26, '0')}`)
  const price = { nanoUsd: 16_000_000_000n, per: 'hour' as const }
  const receipt = {
    ...exampleReceipt,
    id,
    price,
    slotMs: 1_800_000,
    amount: 8_000_000_000n,
    issuedAt: start,
    ...change,
  }
  return { receipt, slot, sold, ...rest }
}
const tally = (given: readonly PaidReceipt[], reversed: readonly string[] = []) => {
  const made = createTradeTally()
  for (const each of given) made.add(each, reversed.includes(each.receipt.id))
  return made.trades()
}

test('slots of every size compare: an hour is of one GPU, or of one core', () => {
  const hour = { price: { nanoUsd: 16_000_000_000n, per: 'hour' as const }, operators: 5, slotMs: hourMs }
  expect(quantityOf(hour, slot)).toBe(8n * BigInt(hourMs))
  expect(quantityOf(hour, { ...slot, gpuCount: 0 })).toBe(4_000n * BigInt(hourMs))
  expect(unitPriceOf(hour.price, slot)).toBe(2_000_000_000)
  expect(unitPriceOf(hour.price, { ...slot, gpuCount: 0 })).toBe(4_000_000_000)
  expect(partsPerUnit({ kind: 'cpu', per: 'hour' })).toBe(1_000 * hourMs)
  expect(quantityOf({ ...hour, price: { ...hour.price, per: 'operator' } }, slot)).toBe(5n)
  expect(quantityOf({ ...hour, price: { ...hour.price, per: 'task' } }, slot)).toBe(1n)
})

test('receipts of one tenant at one provider are one trade an hour', () => {
  const other = exampleLease.order
  const given = [paid(), paid({ lease: other }), paid(), paid({ issuedAt: start + hourMs })]
  const trades = tally(given)
  expect(trades).toMatchObject([
    { hour: start, amount: 24_000_000_000n, quantity: 12n * BigInt(hourMs), leases: 2, kind: 'nvidia-h100' },
    { hour: start + hourMs, amount: 8_000_000_000n, leases: 1 },
  ])
  expect(tally(given.toReversed())).toEqual(trades)
  expect(
    trades.map((each) =>
      tradeSchema.parse(
        JSON.parse(JSON.stringify(each, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))),
      ),
    ),
  ).toEqual(trades)
})

test('what is reversed, what reverses, what cost nothing and what nobody can tell is no trade', () => {
  const reversed = paid()
  const given = [
    reversed,
    paid({ amount: -8_000_000_000n, reverses: reversed.receipt.id }),
    paid({ amount: 0n }),
    paid({ slotMs: 0 }),
    paid({}, { sold: undefined }),
  ]
  expect(tally(given, [reversed.receipt.id])).toEqual([])
})
