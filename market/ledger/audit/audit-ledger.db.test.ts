import {
  bondAccount,
  earningsAccount,
  escrowAccount,
  feesAccount,
  outsideAccount,
  stakeAccount,
  systemWorld,
  tenantAccount,
  type AuditReport,
  type EntryKind,
  type LedgerEntry,
  type Leg,
} from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVirtualWorld } from '../../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../../store/memory/create-memory-store.ts'
import { createPostgresStore } from '../../store/postgres/create-postgres-store.ts'
import type { Store } from '../../store/store.ts'
import { openTestDatabase, type TestDatabase } from '../../store/test-database.ts'
import { address, at, move, someBatch, someId, someJobRow } from '../../store/test-records.ts'
import { auditLedger } from './audit-ledger.ts'

const world = { ...createVirtualWorld(), after: (_: number, act: () => void) => systemWorld.after(0, act) }
const provider = address('b')

const entryOf = (kind: EntryKind, legs: readonly Leg[], more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id: someId('entry'),
  kind,
  legs,
  at,
  ...more,
})

/** A job that was paid for and closed: two receipts of 278 nano-dollars, of which the market kept 6. */
const paidJob = async (store: Store) => {
  const [tenant, job, lease] = [someId('tenant'), someId('job'), someId('lease')]
  await store.accounts.create({ id: tenant, address: null, createdAt: at })
  const balance = tenantAccount(tenant)
  const escrow = escrowAccount(job)
  const payment = entryOf('payment', [
    { account: escrow, amount: -556n },
    { account: earningsAccount(provider), amount: 550n },
    { account: feesAccount, amount: 6n },
  ])
  const charge = someBatch(job, [0, 1], { entry: payment.id, fee: 6n, provider, tenant })
  await store.commit({
    jobs: [someJobRow(job, tenant, { phase: 'succeeded', ceiling: 1_000n, charged: 556n, closedAt: at })],
    entries: [
      move(outsideAccount, balance, 5_000n, 'deposit'),
      move(outsideAccount, stakeAccount(provider), 100n, 'stake'),
      move(stakeAccount(provider), bondAccount(lease), 10n, 'bond'),
      move(bondAccount(lease), stakeAccount(provider), 10n, 'bond-return'),
      move(balance, escrow, 1_000n, 'escrow'),
      payment,
      move(escrow, balance, 444n, 'refund'),
    ],
    receipts: [charge],
  })
  return { tenant, job, balance, escrow, charge, payment }
}

type Paid = Awaited<ReturnType<typeof paidJob>>

const reversalOf = ({ job, tenant, balance, charge }: Paid, place: number) => {
  const reverses = charge.receipts.records[place]?.id ?? null
  const entry = entryOf(
    'reversal',
    [
      { account: earningsAccount(provider), amount: -275n },
      { account: feesAccount, amount: -3n },
      { account: balance, amount: 278n },
    ],
    { note: { job, receipt: reverses, reversal: null, reason: 'blank pages', key: null } },
  )
  const batch = someBatch(job, [place], { entry: entry.id, fee: -3n, provider, tenant, reverses, amount: -278n })
  return { entry, batch }
}

/** What an operator, a bug or a thief might write; by which check it is found. */
const faults: readonly (readonly [string, string, (store: Store, paid: Paid) => Promise<void>])[] = [
  [
    'a payment without receipts',
    'payments',
    async (store, { escrow, balance }) => {
      const entries = [move(balance, escrow, 9n, 'escrow'), move(escrow, earningsAccount(provider), 9n, 'payment')]
      await store.commit({ entries })
    },
  ],
  [
    'receipts without a payment',
    'payments',
    async (store, { job, tenant }) => store.commit({ receipts: [someBatch(job, [7], { provider, tenant })] }),
  ],
  [
    'receipts that nothing is said to have paid',
    'payments',
    async (store, { job, tenant }) =>
      store.commit({ receipts: [someBatch(job, [7], { provider, tenant, entry: null })] }),
  ],
  [
    'a fee that the receipts do not know of',
    'payments',
    async (store, { job, tenant, balance, escrow }) => {
      const payment = entryOf('payment', [
        { account: escrow, amount: -278n },
        { account: earningsAccount(provider), amount: 200n },
        { account: feesAccount, amount: 78n },
      ])
      const receipts = [someBatch(job, [7], { provider, tenant, entry: payment.id, fee: 3n })]
      await store.commit({ entries: [move(balance, escrow, 278n, 'escrow'), payment], receipts })
    },
  ],
  [
    'a payment to somebody else',
    'payments',
    async (store, { job, tenant, balance, escrow }) => {
      const payment = move(escrow, earningsAccount(address('e')), 278n, 'payment')
      const receipts = [someBatch(job, [7], { provider, tenant, entry: payment.id })]
      await store.commit({ entries: [move(balance, escrow, 278n, 'escrow'), payment], receipts })
    },
  ],
  [
    'a double refund',
    'refunds',
    async (store, paid) => {
      for (const { entry, batch } of [reversalOf(paid, 0), reversalOf(paid, 0)])
        await store.commit({ entries: [entry], receipts: [batch] })
    },
  ],
  [
    'a refund of more than was paid',
    'refunds',
    async (store, { job, balance }) => {
      const note = { job, receipt: null, reversal: null, reason: 'out of kindness', key: null }
      const legs = [
        { account: feesAccount, amount: -557n },
        { account: balance, amount: 557n },
      ]
      await store.commit({
        entries: [move(outsideAccount, feesAccount, 600n, 'deposit'), entryOf('goodwill', legs, { note })],
      })
    },
  ],
  [
    'a refund without a reason',
    'refunds',
    async (store, paid) => {
      const { entry, batch } = reversalOf(paid, 0)
      const { note: _, ...bare } = entry
      await store.commit({ entries: [bare], receipts: [batch] })
    },
  ],
  [
    'a reversal of less than its receipt',
    'refunds',
    async (store, paid) => {
      const { entry, batch } = reversalOf(paid, 0)
      const less = entry.legs.map(({ account, amount }, index) => ({
        account,
        amount: index === 1 ? amount : amount - (amount > 0n ? 1n : -1n),
      }))
      const records = batch.receipts.records.map((receipt) => ({ ...receipt, amount: -277n }))
      await store.commit({
        entries: [{ ...entry, legs: less }],
        receipts: [{ ...batch, receipts: { ...batch.receipts, records } }],
      })
    },
  ],
  [
    'an attempt paid twice',
    'receipts',
    async (store, { job, tenant, balance, escrow }) => {
      const payment = move(escrow, earningsAccount(provider), 278n, 'payment')
      const receipts = [someBatch(job, [0], { provider, tenant, entry: payment.id })]
      await store.commit({ entries: [move(balance, escrow, 278n, 'escrow'), payment], receipts })
    },
  ],
  [
    'escrow that a closed job did not give back',
    'escrow',
    async (store, { balance, escrow }) => store.commit({ entries: [move(balance, escrow, 5n, 'escrow')] }),
  ],
  [
    'escrow of no job',
    'escrow',
    async (store, { balance }) =>
      store.commit({ entries: [move(balance, escrowAccount(someId('job')), 5n, 'escrow')] }),
  ],
  [
    'a bond that was not returned',
    'bonds',
    async (store) =>
      store.commit({ entries: [move(stakeAccount(provider), bondAccount(someId('lease')), 5n, 'bond')] }),
  ],
  [
    'a bond that went to another stake',
    'bonds',
    async (store) => {
      const bond = bondAccount(someId('lease'))
      const [tied, back] = [
        move(stakeAccount(provider), bond, 5n, 'bond'),
        move(bond, stakeAccount(address('e')), 5n, 'bond-return'),
      ]
      await store.commit({ entries: [tied, back] })
    },
  ],
  [
    'money that goes where its kind does not',
    'entries',
    async (store, { balance }) => store.commit({ entries: [move(balance, earningsAccount(provider), 5n, 'deposit')] }),
  ],
  [
    'money of a tenant that becomes a fee',
    'earnings',
    async (store, { balance }) => store.commit({ entries: [move(balance, feesAccount, 5n, 'refund')] }),
  ],
]

const found = ({ checks }: AuditReport): string[] =>
  checks.filter(({ faultCount }) => faultCount > 0).map(({ name }) => name)

describe.each(['memory', 'Postgres'])('an audit of the ledger in %s', (kind) => {
  let database: TestDatabase | undefined
  const open = async (): Promise<Store> => {
    if (kind === 'memory') return createMemoryStore()
    await database?.close()
    database = await openTestDatabase()
    return createPostgresStore({ connection: database.connection, readers: 2 }, { world: systemWorld })
  }
  let store: Store
  beforeAll(async () => {
    store = await open()
  })
  afterAll(async () => {
    await store.close()
    await database?.close()
  })

  test('finds nothing where all is as it should be, and counts what it looked at', async () => {
    const paid = await paidJob(store)
    const { entry, batch } = reversalOf(paid, 1)
    await store.commit({ entries: [entry], receipts: [batch] })
    const report = await auditLedger({ world, store })
    expect(found(report)).toEqual([])
    expect(report).toMatchObject({ ok: true, passes: 1 })
    expect(Object.fromEntries(report.checks.map(({ name, checked }) => [name, checked]))).toEqual({
      entries: 8,
      balances: 7,
      deposits: 2,
      escrow: 1,
      payments: 2,
      receipts: 3,
      earnings: 2,
      refunds: 1,
      bonds: 1,
    })
  })

  test.each(kind === 'memory' ? faults : faults.slice(0, 0))('finds %s', async (_, check, plant) => {
    const own = createMemoryStore()
    const paid = await paidJob(own)
    await paidJob(own)
    await plant(own, paid)
    const report = await auditLedger({ world, store: own })
    expect(report.ok).toBe(false)
    expect(found(report)).toContain(check)
    expect(report.passes).toBe(3)
  })

  test('finds every one of many planted at once', async () => {
    for (const [, , plant] of faults) await plant(store, await paidJob(store))
    const report = await auditLedger({ world, store })
    expect(found(report)).toEqual(expect.arrayContaining(faults.map(([, check]) => check)))
  })
})

test('what is only so while it is read is no fault', async () => {
  const store = createMemoryStore()
  const { job, tenant, balance, escrow } = await paidJob(store)
  const payment = move(escrow, earningsAccount(provider), 278n, 'payment')
  let reads = 0
  const moving: Store = {
    ...store,
    receipts: {
      ...store.receipts,
      batches: async (query) => {
        // Between the entries and the receipts of the first pass somebody is paid.
        if (reads++ === 0) {
          const row = someJobRow(job, tenant, { phase: 'succeeded', ceiling: 1_278n, charged: 834n, closedAt: at })
          await store.commit({
            jobs: [row],
            entries: [move(balance, escrow, 278n, 'escrow'), payment],
            receipts: [someBatch(job, [5], { provider, tenant, entry: payment.id })],
          })
        }
        return store.receipts.batches(query)
      },
    },
  }
  const report = await auditLedger({ world, store: moving })
  expect(report).toMatchObject({ ok: true, passes: 2 })
})
