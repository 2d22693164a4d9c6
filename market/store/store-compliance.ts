import {
  bondAccount,
  escrowAccount,
  MusterError,
  outsideAccount,
  replayJob,
  snapshotJob,
  stakeAccount,
  tenantAccount,
  type ErrorCode,
  type JobEvent,
} from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Append, Commit, Store } from './store.ts'
import {
  address,
  at,
  dispatched,
  leaseOpened,
  move,
  someCid,
  someEvent,
  someId,
  someJobRow,
  someOrder,
  someReceipt,
  submitted,
} from './test-records.ts'

export interface StoreUnderTest {
  readonly store: Store
  /** Closes the store and opens another on the same disk or database. */
  reopen(): Promise<Store>
  close(): Promise<void>
}

const append = (stream: Append['stream'], expectedVersion: number, ...events: readonly JobEvent[]): Append => ({
  stream,
  expectedVersion,
  events,
  at,
})

const refusal = async (promise: Promise<unknown>): Promise<MusterError> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof MusterError))
    throw new Error(`expected a MusterError, found ${String(error)}`, { cause: error })
  return error
}

const codes = async (promises: readonly Promise<unknown>[]): Promise<(ErrorCode | 'ok')[]> =>
  Promise.all(
    promises.map((promise) =>
      promise.then(
        () => 'ok' as const,
        (error: unknown) => {
          if (error instanceof MusterError) return error.code
          throw error
        },
      ),
    ),
  )

/** What every store does, whatever it keeps its rows in. */
export const describeStore = (name: string, open: () => Promise<StoreUnderTest>): void => {
  describe(`store: ${name}`, () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(async () => {
      under = await open()
      store = under.store
    })
    afterAll(() => under.close())

    const funded = async (amount = 1_000n) => {
      const tenant = someId('tenant')
      const account = tenantAccount(tenant)
      await store.commit({ entries: [move(outsideAccount, account, amount)] })
      return { tenant, account }
    }

    describe('streams', () => {
      test('a stream nobody wrote to is not there', async () => {
        expect(await store.readStream(someId('job'))).toBeUndefined()
        expect(await store.readEvents(someId('job'), { from: 0, limit: 10 })).toEqual([])
      })

      test('events come back as they went in, with their places', async () => {
        const [job, tenant, lease] = [someId('job'), someId('tenant'), someId('lease')]
        const events: JobEvent[] = [submitted(job, tenant), leaseOpened(job, tenant, lease), dispatched(lease, 0)]
        await store.commit({ appends: [append(job, 0, ...events.slice(0, 2))] })
        await store.commit({ appends: [append(job, 2, ...events.slice(2))] })
        const read = await store.readStream(job)
        expect(read?.version).toBe(3)
        expect(read?.snapshot).toBeNull()
        expect(read?.events).toEqual(events.map((event, version) => ({ version, event })))
      })

      test('amounts in events are bigints again', async () => {
        const job = someId('job')
        const receipt = someId('receipt')
        const events: JobEvent[] = [
          { type: 'accepted', at, attempts: [{ index: 0, fence: 1, receipt, amount: 278n, outputs: [] }] },
          { type: 'closed', at, outcome: 'succeeded', refund: 0n },
        ]
        await store.commit({ appends: [append(job, 0, ...events)] })
        expect((await store.readStream(job))?.events.map(({ event }) => event)).toEqual(events)
      })

      test('facts of a problem that are no plain data are kept as text', async () => {
        const job = someId('job')
        const problem = {
          code: 'workload_failed',
          message: 'It failed.',
          facts: { load: 0.5, amount: 7n, path: ['a', 1] },
          fault: 'machine',
          retry: 'now',
        } as const
        await store.commit({
          appends: [append(job, 0, { type: 'failed', at, attempts: [{ index: 0, fence: 1, problem }] })],
        })
        const [stored] = await store.readEvents(job, { from: 0, limit: 1 })
        expect(stored?.event).toMatchObject({
          attempts: [{ problem: { facts: { load: '0.5', amount: '7', path: ['a', 1] } } }],
        })
      })

      test('a page of the timeline begins and ends inside of appends', async () => {
        const job = someId('job')
        for (let version = 0; version < 12; version += 3) {
          const events = [0, 1, 2].map((index) => ({ ...someEvent(), at: at + version + index }))
          await store.commit({ appends: [append(job, version, ...events)] })
        }
        const page = await store.readEvents(job, { from: 4, limit: 5 })
        expect(page.map(({ version, event }) => [version, event.at - at])).toEqual(
          [4, 5, 6, 7, 8].map((version) => [version, version]),
        )
        expect(await store.readEvents(job, { from: 12, limit: 5 })).toEqual([])
      })

      test('more events than one read holds come in one page', async () => {
        const job = someId('job')
        const events = Array.from({ length: 600 }, (_, version) => append(job, version, someEvent()))
        await Promise.all(events.map((each) => store.commit({ appends: [each] })))
        const page = await store.readEvents(job, { from: 10, limit: 580 })
        expect(page.map(({ version }) => version)).toEqual(Array.from({ length: 580 }, (_, index) => index + 10))
        expect((await store.readStream(job))?.events).toHaveLength(600)
      })

      test.for([
        ['behind', 0],
        ['inside an append', 1],
        ['ahead', 3],
      ] as const)('a writer that is %s is refused', async ([, version]) => {
        const job = someId('job')
        await store.commit({ appends: [append(job, 0, someEvent(), someEvent())] })
        const error = await refusal(store.commit({ appends: [append(job, version, someEvent())] }))
        expect(error.code).toBe('stale_writer')
        expect(error.facts).toEqual({ stream: job, expected: version, found: 2 })
        expect((await store.readStream(job))?.version).toBe(2)
      })

      test('a writer that starts in the middle of nothing is refused', async () => {
        const job = someId('job')
        expect(await codes([store.commit({ appends: [append(job, 1, someEvent())] })])).toEqual(['stale_writer'])
        expect(await store.readStream(job)).toBeUndefined()
      })

      test('one commit may append twice to a stream, and to many streams', async () => {
        const [first, second] = [someId('job'), someId('job')]
        await store.commit({
          appends: [append(first, 0, someEvent()), append(second, 0, someEvent()), append(first, 1, someEvent())],
        })
        expect((await store.readStream(first))?.version).toBe(2)
        expect((await store.readStream(second))?.version).toBe(1)
      })

      test('an append without events is nothing', async () => {
        const job = someId('job')
        await store.commit({ appends: [append(job, 0)] })
        expect(await store.readStream(job)).toBeUndefined()
      })

      test('of many writers with the same expectation one wins', async () => {
        const job = someId('job')
        const results = await codes(
          Array.from({ length: 20 }, () => store.commit({ appends: [append(job, 0, someEvent())] })),
        )
        expect(results.filter((result) => result === 'ok')).toHaveLength(1)
        expect(results.filter((result) => result === 'stale_writer')).toHaveLength(19)
        expect((await store.readStream(job))?.version).toBe(1)
      })

      test('commits that are not waited for follow one another', async () => {
        const job = someId('job')
        const results = await codes(
          Array.from({ length: 50 }, (_, version) => store.commit({ appends: [append(job, version, someEvent())] })),
        )
        expect(new Set(results)).toEqual(new Set(['ok']))
        expect((await store.readStream(job))?.version).toBe(50)
      })

      test('a snapshot stands for the events before it, also inside an append', async () => {
        const [job, tenant, lease] = [someId('job'), someId('tenant'), someId('lease')]
        const events: JobEvent[] = [
          submitted(job, tenant),
          leaseOpened(job, tenant, lease),
          dispatched(lease, 0),
          dispatched(lease, 1),
        ]
        await store.commit({ appends: [append(job, 0, ...events)] })
        const half = replayJob(events.slice(0, 3))
        const whole = replayJob(events)
        if (half === undefined || whole === undefined) throw new Error('no job')
        await store.writeSnapshot({ stream: job, version: 3, job: half, at })
        const read = await store.readStream(job)
        expect(read?.snapshot?.version).toBe(3)
        expect(read?.version).toBe(4)
        expect(read?.events).toEqual([{ version: 3, event: events[3] }])
        const replayed = replayJob(read?.events.map(({ event }) => event) ?? [], read?.snapshot?.job)
        expect(replayed).toEqual(whole)
        expect(await store.readEvents(job, { from: 0, limit: 10 })).toHaveLength(4)
      })

      test('an older snapshot does not replace a newer one', async () => {
        const [job, tenant] = [someId('job'), someId('tenant')]
        const events = [submitted(job, tenant), someEvent()]
        await store.commit({ appends: [append(job, 0, ...events)] })
        const state = replayJob(events.slice(0, 1))
        if (state === undefined) throw new Error('no job')
        await store.writeSnapshot({ stream: job, version: 2, job: { ...state, cancelRequested: true }, at })
        await store.writeSnapshot({ stream: job, version: 1, job: state, at })
        const read = await store.readStream(job)
        expect(read?.snapshot?.version).toBe(2)
        expect(read?.events).toEqual([])
        expect(read?.version).toBe(2)
        expect(snapshotJob(read?.snapshot?.job ?? state).cancelRequested).toBe(true)
      })
    })

    describe('commits', () => {
      test('a commit that is refused leaves nothing behind', async () => {
        const { tenant, account } = await funded(100n)
        const [job, cid] = [someId('job'), someCid(someId('job'))]
        const receipt = someReceipt(job, 0)
        const order = someOrder(job, tenant)
        const error = await refusal(
          store.commit({
            appends: [append(job, 0, submitted(job, tenant))],
            jobs: [someJobRow(job, tenant)],
            receipts: [receipt],
            orders: [order],
            blobs: [{ cid, bytes: 3, createdAt: at }],
            blobRefs: [{ cid, job }],
            entries: [move(account, escrowAccount(job), 60n), move(account, escrowAccount(job), 60n)],
          }),
        )
        expect(error.code).toBe('insufficient_funds')
        expect(error.facts).toEqual({ account, expected: '120', found: '100' })
        expect(await store.readStream(job)).toBeUndefined()
        expect(await store.jobs.get(job)).toBeUndefined()
        expect(await store.receipts.get(receipt.receipt.record.id)).toBeUndefined()
        expect(await store.blobs.get(cid)).toBeUndefined()
        expect(await store.ledger.balance(account)).toBe(100n)
        expect(await store.ledger.entries({ account, limit: 10 })).toHaveLength(1)
        await store.commit({ orders: [order] })
      })

      test('an empty commit is one', async () => {
        await store.commit({})
      })

      test('a bad commit does not spoil its neighbours', async () => {
        const { account } = await funded(100n)
        const order = someOrder(someId('job'), someId('tenant'))
        await store.commit({ orders: [order] })
        const taken = someId('job')
        await store.commit({ appends: [append(taken, 0, someEvent())] })
        const good = Array.from({ length: 30 }, () => someId('job'))
        const commits: Commit[] = good.map((job) => ({ appends: [append(job, 0, someEvent())] }))
        commits.splice(3, 0, { entries: [move(account, outsideAccount, 101n)] })
        commits.splice(9, 0, { orders: [order] })
        commits.splice(15, 0, { appends: [append(taken, 0, someEvent())] })
        commits.splice(20, 0, { blobRefs: [{ cid: someCid('nowhere'), job: taken }] })
        const results = await codes(commits.map((commit) => store.commit(commit)))
        expect(results.filter((result) => result !== 'ok').toSorted()).toEqual([
          'blob_missing',
          'insufficient_funds',
          'order_replayed',
          'stale_writer',
        ])
        for (const job of good) expect((await store.readStream(job))?.version).toBe(1)
      })

      test('commits on one account happen one after the other, in the order of the calls', async () => {
        const { account } = await funded(10n)
        const results = await codes([
          store.commit({ entries: [move(account, outsideAccount, 15n)] }),
          store.commit({ entries: [move(outsideAccount, account, 10n)] }),
          store.commit({ entries: [move(account, outsideAccount, 15n)] }),
        ])
        expect(results).toEqual(['insufficient_funds', 'ok', 'ok'])
        expect(await store.ledger.balance(account)).toBe(5n)
      })

      test('an order is taken once', async () => {
        const order = someOrder(someId('job'), someId('tenant'))
        const results = await codes([1, 2, 3].map(() => store.commit({ orders: [order] })))
        expect(results.toSorted()).toEqual(['ok', 'order_replayed', 'order_replayed'])
        const error = await refusal(store.commit({ orders: [order] }))
        expect(error.facts).toMatchObject({ order: order.digest })
      })

      test('orders that expired may be forgotten, others not', async () => {
        const order = { ...someOrder(someId('job'), someId('tenant')), expiresAt: 500 }
        const later = { ...someOrder(someId('job'), someId('tenant')), expiresAt: 600 }
        await store.commit({ orders: [order, later] })
        expect(await store.pruneOrders(501)).toBe(1)
        await store.commit({ orders: [order] })
        expect(await codes([store.commit({ orders: [later] })])).toEqual(['order_replayed'])
      })

      test('an amount or an entry that is out of balance never gets in', async () => {
        const { account } = await funded()
        const entry = move(outsideAccount, account, 5n)
        const crooked = { ...entry, legs: [...entry.legs, { account, amount: 1n }] }
        expect(await codes([store.commit({ entries: [crooked] })])).toEqual(['ledger_unbalanced'])
        expect(await codes([store.commit({ entries: [move(outsideAccount, account, 2n ** 63n)] })])).toEqual([
          'ledger_unbalanced',
        ])
      })
    })

    describe('jobs', () => {
      test('rows are listed by tenant and phase, newest first, in pages', async () => {
        const tenant = someId('tenant')
        const ids = Array.from({ length: 5 }, () => someId('job')).toSorted()
        await store.commit({ jobs: ids.map((id) => someJobRow(id, tenant)) })
        const [first, second, third, fourth, fifth] = ids
        if (!first || !second || !third || !fourth || !fifth) throw new Error('five ids')
        const counts = { waiting: 0, running: 0, accepted: 0, final: 2, abandoned: 0, cancelled: 0 }
        const done = someJobRow(third, tenant, { phase: 'succeeded', counts, charged: 5n, closedAt: at + 9 })
        await store.commit({ jobs: [done] })
        expect(await store.jobs.get(third)).toEqual(done)
        const page = await store.jobs.list({ tenant, limit: 2 })
        expect(page.map(({ id }) => id)).toEqual([fifth, fourth])
        const next = await store.jobs.list({ tenant, limit: 9, before: fourth })
        expect(next.map(({ id }) => id)).toEqual([third, second, first])
        expect(await store.jobs.list({ tenant, phase: 'succeeded', limit: 9 })).toEqual([done])
        expect(await store.jobs.list({ tenant: someId('tenant'), limit: 9 })).toEqual([])
        const active = await store.jobs.active()
        expect(ids.filter((id) => active.includes(id))).toEqual([first, second, fourth, fifth])
      })

      test('text keeps every character', async () => {
        const [id, tenant] = [someId('job'), someId('tenant')]
        const row = someJobRow(id, tenant, { name: `NULL "quoted" \\back\\ {a,b} 'x' é 漢 🦊 \n\t` })
        await store.commit({ jobs: [row, someJobRow(someId('job'), tenant, { name: '' })] })
        expect(await store.jobs.get(id)).toEqual(row)
      })

      test('the last row of a job in a group holds', async () => {
        const [id, tenant] = [someId('job'), someId('tenant')]
        const rows = [1, 2, 3].map((waiting) =>
          someJobRow(id, tenant, { counts: { ...someJobRow(id, tenant).counts, waiting } }),
        )
        await Promise.all(rows.map((row) => store.commit({ jobs: [row] })))
        expect(await store.jobs.get(id)).toEqual(rows.at(-1))
      })
    })

    describe('receipts', () => {
      test('a receipt comes back with its claim, as they were signed', async () => {
        const stored = someReceipt(someId('job'), 3, 2, { amount: -7n, reverses: someId('receipt') })
        await store.commit({ receipts: [stored] })
        expect(await store.receipts.get(stored.receipt.record.id)).toEqual(stored)
        expect(await store.receipts.get(someId('receipt'))).toBeUndefined()
      })

      test('those of a job come by task and fence, in pages', async () => {
        const job = someId('job')
        const all = [10, 2, 0, 1].map((index) => someReceipt(job, index))
        const reversal = someReceipt(job, 2, 1, { reverses: all[1]?.receipt.record.id ?? null, amount: -278n })
        const again = someReceipt(job, 2, 2)
        await store.commit({ receipts: all })
        await store.commit({ receipts: [reversal, again] })
        const places = (receipts: readonly { receipt: { record: { attempt: string } } }[]) =>
          receipts.map(({ receipt }) => receipt.record.attempt.slice(job.length))
        const page = await store.receipts.ofJob(job, { limit: 3 })
        expect(places(page)).toEqual(['.0.1', '.1.1', '.2.1'])
        const after = page.at(-1)?.receipt.record.id
        if (after === undefined) throw new Error('a page')
        expect(places(await store.receipts.ofJob(job, { limit: 9, after }))).toEqual(['.2.1', '.2.2', '.10.1'])
      })

      test('those of a tenant and of a provider come newest first', async () => {
        const [tenant, provider] = [someId('tenant'), address('e')]
        const receipts = [0, 1, 2].map((index) => someReceipt(someId('job'), index, 1, { tenant, provider }))
        await store.commit({ receipts })
        const ids = receipts.map(({ receipt }) => receipt.record.id).toSorted()
        const idsOf = (found: readonly (typeof receipts)[number][]) => found.map(({ receipt }) => receipt.record.id)
        expect(idsOf(await store.receipts.ofTenant(tenant, { limit: 2 }))).toEqual(ids.slice(1).toReversed())
        const [first, second] = ids
        if (first === undefined || second === undefined) throw new Error('ids')
        expect(idsOf(await store.receipts.ofProvider(provider, { limit: 9, before: second }))).toEqual([first])
      })

      test('an attempt has one receipt, and a receipt one that reverses it', async () => {
        const job = someId('job')
        const first = someReceipt(job, 0)
        await store.commit({ receipts: [first] })
        const reverses = first.receipt.record.id
        const results = [
          await codes([store.commit({ receipts: [someReceipt(job, 0)] })]),
          await codes([store.commit({ receipts: [someReceipt(job, 0, 1, { reverses })] })]),
          await codes([store.commit({ receipts: [someReceipt(job, 0, 1, { reverses })] })]),
          await codes([store.commit({ receipts: [someReceipt(job, 0, 2)] })]),
        ]
        expect(results.flat()).toEqual(['transition_refused', 'ok', 'transition_refused', 'ok'])
      })
    })

    describe('ledger', () => {
      test('money moves, and what an account did is listed newest first', async () => {
        const { account } = await funded(1_000n)
        const job = someId('job')
        const [escrow, bond] = [escrowAccount(job), bondAccount(someId('lease'))]
        const entry = {
          ...move(account, escrow, 300n, 'payment'),
          legs: [
            { account, amount: -300n },
            { account: escrow, amount: 200n },
            { account: bond, amount: 100n },
          ],
          receipt: someId('receipt'),
        }
        await store.commit({ entries: [entry] })
        const stranger = tenantAccount(someId('tenant'))
        const held = await store.ledger.balances([account, escrow, bond, stranger])
        expect([...held]).toEqual([
          [account, 700n],
          [escrow, 200n],
          [bond, 100n],
          [stranger, 0n],
        ])
        expect(await store.ledger.entries({ account: escrow, limit: 5 })).toEqual([entry])
        const all = await store.ledger.entries({ account, limit: 5 })
        expect(all.map(({ id }) => id)).toEqual(
          all
            .map(({ id }) => id)
            .toSorted()
            .toReversed(),
        )
        const [newest, oldest] = all
        if (newest === undefined || oldest === undefined) throw new Error('two entries')
        expect(await store.ledger.entries({ account, limit: 5, before: newest.id })).toEqual([oldest])
      })

      test('a stake that does not cover a bond is named so', async () => {
        const stake = stakeAccount(address('d'))
        await store.commit({ entries: [move(outsideAccount, stake, 10n)] })
        const error = await refusal(store.commit({ entries: [move(stake, bondAccount(someId('lease')), 11n)] }))
        expect(error.code).toBe('insufficient_bond')
        expect(error.facts).toEqual({ account: stake, expected: '11', found: '10' })
      })

      test('an entry is posted once', async () => {
        const { account } = await funded()
        const entry = move(account, outsideAccount, 1n)
        const results = await codes([1, 2].map(() => store.commit({ entries: [entry] })))
        expect(results.toSorted()).toEqual(['ok', 'transition_refused'])
        expect(await store.ledger.balance(account)).toBe(999n)
      })

      test('sums do not overflow', async () => {
        const { account } = await funded(0n)
        const largest = 2n ** 63n - 1n
        await store.commit({ entries: [move(outsideAccount, account, largest)] })
        await store.commit({
          entries: [move(outsideAccount, account, largest), move(outsideAccount, account, largest)],
        })
        expect(await store.ledger.balance(account)).toBe(3n * largest)
        expect(await store.ledger.total()).toBe(0n)
      })

      test('the books close', async () => {
        const audit = await store.ledger.audit()
        expect(audit).toMatchObject({ total: 0n, mismatches: [] })
        expect(audit.accounts).toBeGreaterThan(0)
        expect(await store.ledger.total()).toBe(0n)
      })
    })

    describe('accounts', () => {
      test('tenants are made once and listed oldest first', async () => {
        const tenant = { id: someId('tenant'), name: 'Ada', address: address('9'), createdAt: at }
        await store.accounts.create(tenant)
        expect(await store.accounts.get(tenant.id)).toEqual(tenant)
        expect(await store.accounts.get(someId('tenant'))).toBeUndefined()
        expect((await refusal(store.accounts.create(tenant))).code).toBe('conflict')
        const other = { id: someId('tenant'), name: 'Bob', address: null, createdAt: at }
        await store.accounts.create(other)
        const [first, second] = [tenant, other].toSorted((a, b) => (a.id < b.id ? -1 : 1))
        if (first === undefined) throw new Error('a tenant')
        expect(await store.accounts.list({ limit: 9 })).toEqual([first, second])
        expect(await store.accounts.list({ limit: 9, after: first.id })).toEqual([second])
      })

      test('a key is found by its hash, used and revoked', async () => {
        const tenant = { id: someId('tenant'), name: 'Eve', address: null, createdAt: at }
        await store.accounts.create(tenant)
        const sha256 = new Uint8Array(32).fill(7)
        const key = {
          id: someId('key'),
          tenant: tenant.id,
          name: 'laptop',
          lastFour: 'wxyz',
          createdAt: at,
          revokedAt: null,
          lastUsedAt: null,
        }
        expect((await refusal(store.accounts.addKey({ ...key, sha256, tenant: someId('tenant') }))).code).toBe(
          'not_found',
        )
        await store.accounts.addKey({ ...key, sha256 })
        expect(await store.accounts.keyByHash(sha256)).toEqual({ key, tenant })
        expect(await store.accounts.keyByHash(new Uint8Array(32))).toBeUndefined()
        expect((await refusal(store.accounts.addKey({ ...key, id: someId('key'), sha256 }))).code).toBe('conflict')
        await store.accounts.markKeyUsed(key.id, at + 5)
        await store.accounts.markKeyUsed(key.id, at + 3)
        expect(await store.accounts.revokeKey({ tenant: someId('tenant'), id: key.id, at })).toBe(false)
        expect(await store.accounts.revokeKey({ tenant: tenant.id, id: key.id, at: at + 9 })).toBe(true)
        expect(await store.accounts.revokeKey({ tenant: tenant.id, id: key.id, at: at + 10 })).toBe(false)
        expect(await store.accounts.keys(tenant.id)).toEqual([{ ...key, lastUsedAt: at + 5, revokedAt: at + 9 }])
      })
    })

    describe('providers', () => {
      test('an epoch only moves on', async () => {
        const provider = address('1')
        expect(await store.providers.get(provider)).toBeUndefined()
        await store.providers.markSeen(provider, at)
        expect(await store.providers.advanceEpoch(provider, 5, at + 10)).toBe(true)
        expect(await store.providers.advanceEpoch(provider, 5, at + 20)).toBe(false)
        expect(await store.providers.advanceEpoch(provider, 4, at + 20)).toBe(false)
        await store.providers.markSeen(provider, at + 5)
        expect(await store.providers.get(provider)).toEqual({
          address: provider,
          epoch: 5,
          firstSeenAt: at,
          lastSeenAt: at + 10,
        })
        expect(await store.providers.advanceEpoch(address('2'), 1, at)).toBe(true)
        expect((await store.providers.list({ limit: 9 })).map((row) => row.address)).toEqual([provider, address('2')])
        expect(await store.providers.list({ limit: 9, after: address('2') })).toEqual([])
      })

      test('of two links with one epoch one wins', async () => {
        const provider = address('3')
        const won = await Promise.all([1, 2, 3].map(() => store.providers.advanceEpoch(provider, 7, at)))
        expect(won.filter(Boolean)).toHaveLength(1)
      })
    })

    describe('blobs', () => {
      test('a blob that a job refers to is not collected, another is', async () => {
        const job = someId('job')
        const [kept, loose, young] = ['kept', 'loose', 'young'].map((text) => someCid(`${text} ${job}`))
        if (!kept || !loose || !young) throw new Error('cids')
        const before = await store.blobs.usage()
        await store.blobs.put({ cid: kept, bytes: 5, createdAt: 100 })
        await store.commit({
          blobs: [
            { cid: loose, bytes: 7, createdAt: 90 },
            { cid: young, bytes: 9, createdAt: 300 },
          ],
          blobRefs: [{ cid: kept, job }],
        })
        expect(await store.blobs.usage()).toEqual({ count: before.count + 3, bytes: before.bytes + 21 })
        expect(await store.blobs.known([kept, young, someCid('unknown')])).toEqual(new Set([kept, young]))
        expect(await store.blobs.unreferenced({ olderThan: 200, limit: 9 })).toEqual([
          { cid: loose, bytes: 7, createdAt: 90 },
        ])
        expect(await store.blobs.remove(kept, 200)).toBe(false)
        expect(await store.blobs.remove(young, 200)).toBe(false)
        expect(await store.blobs.remove(loose, 200)).toBe(true)
        expect(await store.blobs.remove(loose, 200)).toBe(false)
        expect(await store.blobs.get(loose)).toBeUndefined()
        expect(await store.blobs.dropRefs(job)).toBe(1)
        expect(await store.blobs.dropRefs(job)).toBe(0)
        expect(await store.blobs.remove(kept, 200)).toBe(true)
      })

      test('a blob put again is young again', async () => {
        const cid = someCid(someId('job'))
        await store.blobs.put({ cid, bytes: 5, createdAt: 100 })
        await store.blobs.put({ cid, bytes: 5, createdAt: 400 })
        await store.blobs.put({ cid, bytes: 5, createdAt: 50 })
        expect(await store.blobs.get(cid)).toEqual({ cid, bytes: 5, createdAt: 400 })
        expect(await store.blobs.remove(cid, 200)).toBe(false)
      })

      test('a reference to a blob that is not there is refused', async () => {
        const error = await refusal(store.commit({ blobRefs: [{ cid: someCid('missing'), job: someId('job') }] }))
        expect(error.code).toBe('blob_missing')
        expect(error.facts).toMatchObject({ cid: someCid('missing') })
      })
    })

    describe('life', () => {
      test('what was committed is there after a restart; a closed store refuses', async () => {
        const { account } = await funded(42n)
        const [job, tenant] = [someId('job'), someId('tenant')]
        await store.commit({
          appends: [append(job, 0, submitted(job, tenant))],
          jobs: [someJobRow(job, tenant)],
        })
        await store.ping()
        const last = store.commit({ appends: [append(job, 1, someEvent())] })
        const closed = store
        store = await under.reopen()
        await last
        expect((await refusal(closed.commit({}))).code).toBe('unavailable')
        expect((await store.readStream(job))?.version).toBe(2)
        expect(await store.ledger.balance(account)).toBe(42n)
        expect(await codes([store.commit({ appends: [append(job, 1, someEvent())] })])).toEqual(['stale_writer'])
        await store.commit({ appends: [append(job, 2, someEvent())] })
      })
    })
  })
}
