import { addressSchema, newId, type Statement, type StatementLine } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import type { ClaimCount } from './claim-counts.ts'
import { holdAgainst } from './hold-against.ts'
import { renderEarnings } from './render-earnings.ts'

const world = createVirtualWorld(1)
const market = addressSchema.parse(`0x${'aa'.repeat(20)}`)
const other = addressSchema.parse(`0x${'bb'.repeat(20)}`)
const job = newId(world, 'job')
const entry = newId(world, 'entry')
const minute = 60_000

const line = (index: number, changes: Partial<StatementLine> = {}): StatementLine => ({
  receipt: newId(world, 'receipt'),
  attempt: `${job}.${index}.1` as never,
  at: 5 * minute,
  amount: 10n,
  fee: 1n,
  entry,
  reverses: null,
  ...changes,
})

const statement = (lines: readonly StatementLine[]): Statement => {
  const earned = lines.reduce((sum, { amount, fee }) => sum + amount - fee, 0n)
  return {
    market,
    chainId: 1,
    provider: other,
    from: 0,
    to: 100 * minute,
    opening: 0n,
    closing: earned,
    lines: [...lines],
    entries: lines.length === 0 ? [] : [{ entry, kind: 'payment', at: 5 * minute, earned }],
  }
}

const count = (claims: number, changes: Partial<ClaimCount> = {}): ClaimCount => ({
  market,
  job,
  claims,
  firstAt: minute,
  lastAt: 4 * minute,
  ...changes,
})

const hold = (lines: readonly StatementLine[], counts: readonly ClaimCount[], now = 100 * minute) =>
  holdAgainst(statement(lines), counts, { lateMs: 30 * minute, now })

test('as many receipts as claims is all there is to say', () => {
  expect(hold([line(0), line(1)], [count(2)])).toEqual({
    totals: { amount: 20n, fee: 2n, earned: 18n },
    receipts: 2,
    claims: 2,
    missing: [],
    faults: [],
  })
})

test('a claim without a receipt is missing once it is late, and not before', () => {
  const missing = [{ job, claims: 3, receipts: 2, lastAt: 4 * minute }]
  expect(hold([line(0), line(1)], [count(3)]).missing).toEqual(missing)
  expect(hold([line(0), line(1)], [count(3)], 33 * minute).missing).toEqual([])
  expect(hold([line(0), line(1)], [count(3)], 34 * minute).missing).toEqual(missing)
})

test('a refund makes no receipt, and takes none away', () => {
  const paid = line(0)
  const reversal = line(0, { amount: -10n, fee: -1n, reverses: paid.receipt })
  expect(hold([paid, reversal], [count(1)]).missing).toEqual([])
  expect(hold([paid, reversal], [count(2)]).missing).toHaveLength(1)
})

test('claims at another market, or of jobs begun before the period, are no matter of this statement', () => {
  expect(hold([], [count(5, { market: other })])).toMatchObject({ claims: 0, missing: [] })
  const later = { ...statement([]), from: 2 * minute }
  expect(holdAgainst(later, [count(5)], { lateMs: 0, now: 100 * minute })).toMatchObject({ claims: 0, missing: [] })
})

test('a statement that does not add up says so', () => {
  const wrong = { ...statement([line(0)]), closing: 1n }
  expect(holdAgainst(wrong, [], { lateMs: 0, now: 0 }).faults[0]).toContain('closes with')
})

test('what is missing is said loudly, and what is well quietly', () => {
  const page = (claims: number) =>
    renderEarnings({
      provider: other,
      from: 0,
      to: 100 * minute,
      lateMs: 30 * minute,
      unasked: [],
      markets: [
        {
          url: 'https://a.example',
          address: market,
          unsettled: 0,
          problem: null,
          earnings: hold([line(0)], [count(claims)]),
        },
        { url: 'https://b.example', address: null, unsettled: 0, problem: 'Nobody home.', earnings: null },
      ],
    })
  expect(page(3)).toMatchInlineSnapshot(`
    "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, 1970-01-01 00:00 to 1970-01-01 01:40 (UTC)

      MARKET             CLAIMS  RECEIPTS  CHARGED      FEES          EARNED        MISSING
      https://a.example       3         1  $0.00000001  $0.000000001  $0.000000009        2
      https://b.example       ?         ?            ?             ?             ?        ?

    Earned $0.000000009 at 1 of 2 markets.
    ✗ https://a.example GAVE NO RECEIPT FOR 2 OF 3 CLAIMS of job_01MCC5RM0068ZV2NVW9N6H0T8Z, the last of them at 1970-01-01 00:04, more than 30 minutes ago
    ! https://b.example could not be asked: Nobody home.
    A claim without a receipt was refused (the task had gone to another machine meanwhile) or is owed: ask the operator.
    "
  `)
  expect(page(1)).not.toContain('✗')
})
