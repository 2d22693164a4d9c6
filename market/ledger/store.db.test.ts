import {
  escrowAccount,
  feesAccount,
  MusterError,
  outsideAccount,
  parseId,
  stakeAccount,
  systemWorld,
  tenantAccount,
  type AccountName,
  type LedgerEntry,
} from '@muster/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { openSql } from '../store/postgres/connection.ts'
import { createPostgresStore } from '../store/postgres/create-postgres-store.ts'
import type { Store } from '../store/store.ts'
import { openTestDatabase, type TestDatabase } from '../store/test-database.ts'
import { address, at, move, someId } from '../store/test-records.ts'

const ulid = (last: string) => `01${'A'.repeat(23)}${last}`

/** Few accounts, so that they meet; those of each run are its own but for `outside` and the fees. */
const accountsOf = (run: string): AccountName[] =>
  [
    outsideAccount,
    feesAccount,
    tenantAccount(parseId('tenant', `tnt_${ulid('1')}`)),
    tenantAccount(parseId('tenant', `tnt_${ulid('2')}`)),
    escrowAccount(parseId('job', `job_${ulid('3')}`)),
    stakeAccount(address('4')),
  ].map((account) => (account === outsideAccount ? account : (`${account}${run}` as AccountName)))

interface Leg {
  readonly account: number
  readonly amount: bigint
}

const legs = fc
  .array(fc.record({ account: fc.nat(5), amount: fc.bigInt({ min: -30n, max: 30n }) }), { minLength: 1, maxLength: 4 })
  .map((some): Leg[] => [...some, { account: 0, amount: -some.reduce((sum, { amount }) => sum + amount, 0n) }])
const commits = fc.array(fc.array(legs, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 })

const outcome = async (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof MusterError) return `${error.code} ${JSON.stringify(error.facts)}`
      throw error
    },
  )

describe('the ledger', () => {
  let database: TestDatabase
  let store: Store
  beforeAll(async () => {
    database = await openTestDatabase()
    store = await createPostgresStore({ connection: database.connection }, { world: systemWorld })
  })
  afterAll(async () => {
    await store.close()
    await database.close()
  })

  test('whatever is committed at once, memory and Postgres agree, nothing is overdrawn, the sum is zero', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(commits, async (all) => {
        const accounts = accountsOf(`#${run++}`)
        const memory = createMemoryStore()
        // `outside` is shared by all runs; it starts where Postgres has it, so that facts of errors agree.
        const entries = all.map((some) =>
          some.map((each): LedgerEntry => ({
            id: someId('entry'),
            kind: 'payment',
            legs: each.map(({ account, amount }) => ({ account: accounts[account] ?? outsideAccount, amount })),
            at,
          })),
        )
        const write = (to: Store) => Promise.all(entries.map((each) => outcome(to.commit({ entries: each }))))
        const [ours, theirs] = [await write(memory), await write(store)]
        expect(theirs).toEqual(ours)
        const own = accounts.filter((account) => account !== outsideAccount)
        const balances = await store.ledger.balances(own)
        expect([...balances]).toEqual([...(await memory.ledger.balances(own))])
        for (const balance of balances.values()) expect(balance >= 0n).toBe(true)
        for (const account of own) {
          const page = { account, limit: 100 }
          expect(await store.ledger.entries(page)).toEqual(await memory.ledger.entries(page))
        }
        expect(await store.ledger.total()).toBe(0n)
        expect(await memory.ledger.audit()).toMatchObject({ total: 0n, mismatches: [] })
      }),
      { numRuns: 60 },
    )
    expect(await store.ledger.audit()).toMatchObject({ total: 0n, mismatches: [] })
  })

  test('the database itself refuses what is out of balance or overdrawn', async () => {
    const sql = openSql(database.connection, { connections: 1 })
    const insert = (amounts: string) => sql`
      INSERT INTO ledger_entry (id, kind, at, accounts, amounts)
      VALUES (${someId('entry')}, 'payment', 1, '{a,b}', ${amounts}::text::bigint[])`
    await expect(insert('{1,-2}')).rejects.toMatchObject({ constraint_name: 'ledger_entry_balanced' })
    await expect(insert('{1,NULL}')).rejects.toMatchObject({ constraint_name: 'ledger_entry_balanced' })
    await expect(insert('{1,-2,1}')).rejects.toMatchObject({ constraint_name: 'ledger_entry_legs' })
    await expect(sql`INSERT INTO ledger_account VALUES ('tenant:x', -1)`).rejects.toMatchObject({
      constraint_name: 'ledger_account_covered',
    })
    await sql.end()
  })

  test('an audit finds a balance that somebody changed', async () => {
    const account = tenantAccount(someId('tenant'))
    await store.commit({ entries: [move(outsideAccount, account, 5n)] })
    const sql = openSql(database.connection, { connections: 1 })
    await sql`UPDATE ledger_account SET balance = 6 WHERE account = ${account}`
    expect(await store.ledger.audit()).toMatchObject({
      total: 1n,
      mismatches: [{ account, balance: 6n, entered: 5n }],
    })
    await sql`UPDATE ledger_account SET balance = 5 WHERE account = ${account}`
    await sql.end()
  })
})
