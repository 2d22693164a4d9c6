import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MusterError } from '../error/muster-error.ts'
import { parseId, type EntryId } from '../id/id.ts'
import { exampleLease, exampleSigners } from '../vector/example-records.ts'
import {
  bondAccount,
  earningsAccount,
  escrowAccount,
  feesAccount,
  mayBeNegative,
  outsideAccount,
  stakeAccount,
  tenantAccount,
  type AccountName,
} from './account.ts'
import { entryKinds, transfer, type LedgerEntry } from './entry.ts'
import { netOf, postEntries, type Balances } from './post-entries.ts'

const provider = exampleSigners.provider.address
const accounts: AccountName[] = [
  outsideAccount,
  feesAccount,
  tenantAccount(exampleLease.tenant),
  escrowAccount(exampleLease.job),
  earningsAccount(provider),
  stakeAccount(provider),
  bondAccount(exampleLease.id),
]
const entryId: EntryId = parseId('entry', 'ent_01K5KRN0M0ABCDEFGHJKMNPQRZ')

const account = fc.constantFrom(...accounts)
const entry: fc.Arbitrary<LedgerEntry> = fc
  .record({
    kind: fc.constantFrom(...entryKinds),
    from: account,
    to: account,
    amount: fc.bigInt({ min: 0n, max: 100n }),
  })
  .map((input) => transfer({ ...input, id: entryId, at: 0 }))
const deposits = fc.array(fc.bigInt({ min: 0n, max: 500n }), { maxLength: 3 }).map((amounts) =>
  amounts.map((amount, index) =>
    transfer({
      id: entryId,
      kind: 'deposit',
      from: outsideAccount,
      to: accounts[index + 2] ?? feesAccount,
      amount,
      at: 0,
    }),
  ),
)
const batch = fc.array(entry, { maxLength: 6 })

const sum = (balances: Balances): bigint => [...balances.values()].reduce((total, balance) => total + balance, 0n)
const sorted = (balances: Balances) =>
  [...balances].filter(([, balance]) => balance !== 0n).toSorted(([a], [b]) => (a < b ? -1 : 1))

const post = (balances: Balances, entries: readonly LedgerEntry[]): Map<AccountName, bigint> | string => {
  try {
    return postEntries(balances, entries)
  } catch (error) {
    return error instanceof MusterError ? error.code : 'unknown'
  }
}

const fails = (balances: Balances, entries: readonly LedgerEntry[]): boolean => {
  const after = new Map(balances)
  for (const { legs } of entries) {
    for (const leg of legs) after.set(leg.account, (after.get(leg.account) ?? 0n) + leg.amount)
  }
  return [...after].some(([name, balance]) => balance < 0n && name !== 'outside')
}

describe('the ledger', () => {
  test('always sums to zero and overdraws no account but the outside', () => {
    fc.assert(
      fc.property(deposits, fc.array(batch, { maxLength: 12, size: 'max' }), (first, batches) => {
        let balances: Balances = new Map()
        for (const entries of [first, ...batches]) {
          const before = new Map(balances)
          const expected = fails(balances, entries)
          const after = post(balances, entries)
          if (typeof after === 'string') {
            expect(['insufficient_funds', 'insufficient_bond']).toContain(after)
            expect(expected).toBe(true)
            expect(balances).toEqual(before)
          } else {
            expect(expected).toBe(false)
            balances = after
          }
          expect(sum(balances)).toBe(0n)
          for (const [name, balance] of balances) expect(balance >= 0n || mayBeNegative(name)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('does not care about the order of entries that are posted together', () => {
    const shuffled = batch.chain((entries) =>
      fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
    )
    fc.assert(
      fc.property(deposits, shuffled, (first, [entries, others]) => {
        const balances = postEntries(new Map(), first)
        const [one, other] = [post(balances, entries), post(balances, others)]
        expect(typeof one).toBe(typeof other)
        if (typeof one !== 'string' && typeof other !== 'string') expect(sorted(one)).toEqual(sorted(other))
      }),
    )
  })

  test('posts one after another what it posts together, where neither is refused', () => {
    fc.assert(
      fc.property(deposits, batch, batch, (first, a, b) => {
        const balances = postEntries(new Map(), first)
        const halfway = post(balances, a)
        if (typeof halfway === 'string') return
        const apart = post(halfway, b)
        const together = post(balances, [...a, ...b])
        if (typeof apart !== 'string' && typeof together !== 'string') expect(sorted(apart)).toEqual(sorted(together))
        if (typeof apart !== 'string') expect(typeof together).not.toBe('string')
      }),
    )
  })

  test('refuses an entry whose legs do not sum to zero', () => {
    const unbalanced = fc
      .array(fc.record({ account, amount: fc.bigInt({ min: -100n, max: 100n }) }), { maxLength: 5 })
      .filter((legs) => legs.reduce((total, { amount }) => total + amount, 0n) !== 0n)
    fc.assert(
      fc.property(unbalanced, batch, (legs, others) => {
        const wrong: LedgerEntry = { id: entryId, kind: 'payment', legs, at: 0 }
        expect(() => netOf([...others, wrong])).toThrow(expect.objectContaining({ code: 'ledger_unbalanced' }))
      }),
    )
  })
})

test('a transfer of less than nothing is no transfer', () => {
  const input = { id: entryId, kind: 'payment', from: feesAccount, to: outsideAccount, at: 0 } as const
  expect(() => transfer({ ...input, amount: -1n })).toThrow(RangeError)
  expect(netOf([transfer({ ...input, amount: 0n })]).get(feesAccount)).toBe(0n)
})

test('an overdrawn account is named with what it holds and what was asked of it', () => {
  const balances = new Map([[stakeAccount(provider), 5n]])
  const entries = [
    transfer({
      id: entryId,
      kind: 'bond',
      from: stakeAccount(provider),
      to: bondAccount(exampleLease.id),
      amount: 7n,
      at: 0,
    }),
  ]
  expect(() => postEntries(balances, entries)).toThrow(
    expect.objectContaining({
      code: 'insufficient_bond',
      fault: 'provider',
      message: 'The stake of the provider holds $0.000000005, and this needs $0.000000007; nothing was moved.',
      facts: { account: `stake:${provider}`, expected: '7', found: '5' },
    }),
  )
})

test('no two owners share an account', () => {
  expect(new Set(accounts).size).toBe(accounts.length)
  expect(accounts.filter(mayBeNegative)).toEqual([outsideAccount])
})
