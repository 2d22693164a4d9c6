import { bondAccount, escrowAccount, outsideAccount, stakeAccount, tenantAccount } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { spreadBatch } from '../spread-batch.ts'
import type { Commit } from '../store.ts'
import {
  address,
  at,
  idsOf,
  move,
  someBatch,
  someCid,
  someEvent,
  someId,
  someJobRow,
  someOrder,
  submitted,
} from '../test-records.ts'
import { append, refusal, codes, funded, type OpenStore } from './expectations.ts'

export const describeCommits = (under: OpenStore): void => {
  describe('commits', () => {
    test('a commit that is refused leaves nothing behind', async () => {
      const { tenant, account } = await funded(under, 100n)
      const [job, cid] = [someId('job'), someCid(someId('job'))]
      const batch = someBatch(job, [0])
      const order = someOrder(job, tenant)
      const error = await refusal(
        under.store.commit({
          appends: [append(job, 0, submitted(job, tenant))],
          jobs: [someJobRow(job, tenant)],
          receipts: [batch],
          orders: [order],
          blobs: [{ cid, bytes: 3, createdAt: at }],
          blobRefs: [{ cid, job }],
          entries: [move(account, escrowAccount(job), 60n), move(account, escrowAccount(job), 60n)],
        }),
      )
      expect(error.code).toBe('insufficient_funds')
      expect(error.facts).toEqual({ account, expected: '120', found: '100' })
      expect(await under.store.readStream(job)).toBeUndefined()
      expect(await under.store.jobs.get(job)).toBeUndefined()
      for (const id of idsOf(spreadBatch(batch))) expect(await under.store.receipts.get(id)).toBeUndefined()
      expect(await under.store.blobs.get(cid)).toBeUndefined()
      expect(await under.store.ledger.balance(account)).toBe(100n)
      expect(await under.store.ledger.entries({ account, limit: 10 })).toHaveLength(1)
      await under.store.commit({ orders: [order] })
    })

    test('an empty commit is one', async () => {
      await under.store.commit({})
    })

    test('a bad commit does not spoil its neighbours', async () => {
      const { account } = await funded(under, 100n)
      const order = someOrder(someId('job'), someId('tenant'))
      await under.store.commit({ orders: [order] })
      const taken = someId('job')
      await under.store.commit({ appends: [append(taken, 0, someEvent())] })
      const good = Array.from({ length: 30 }, () => someId('job'))
      const commits: Commit[] = good.map((job) => ({ appends: [append(job, 0, someEvent())] }))
      commits.splice(3, 0, { entries: [move(account, outsideAccount, 101n)] })
      commits.splice(9, 0, { orders: [order] })
      commits.splice(15, 0, { appends: [append(taken, 0, someEvent())] })
      commits.splice(20, 0, { blobRefs: [{ cid: someCid('nowhere'), job: taken }] })
      const results = await codes(commits.map((commit) => under.store.commit(commit)))
      expect(results.filter((result) => result !== 'ok').toSorted()).toEqual([
        'blob_missing',
        'insufficient_funds',
        'order_replayed',
        'stale_writer',
      ])
      for (const job of good) expect((await under.store.readStream(job))?.version).toBe(1)
    })

    test('commits on one account happen one after the other, in the order of the calls', async () => {
      const { account } = await funded(under, 10n)
      const results = await codes([
        under.store.commit({ entries: [move(account, outsideAccount, 15n)] }),
        under.store.commit({ entries: [move(outsideAccount, account, 10n)] }),
        under.store.commit({ entries: [move(account, outsideAccount, 15n)] }),
      ])
      expect(results).toEqual(['insufficient_funds', 'ok', 'ok'])
      expect(await under.store.ledger.balance(account)).toBe(5n)
    })

    test('an order is taken once', async () => {
      const order = someOrder(someId('job'), someId('tenant'))
      const results = await codes([1, 2, 3].map(() => under.store.commit({ orders: [order] })))
      expect(results.toSorted()).toEqual(['ok', 'order_replayed', 'order_replayed'])
      const error = await refusal(under.store.commit({ orders: [order] }))
      expect(error.facts).toMatchObject({ order: order.digest })
    })

    test('orders that expired may be forgotten, others not', async () => {
      const order = { ...someOrder(someId('job'), someId('tenant')), expiresAt: 500 }
      const later = { ...someOrder(someId('job'), someId('tenant')), expiresAt: 600 }
      await under.store.commit({ orders: [order, later] })
      expect(await under.store.pruneOrders(501)).toBe(1)
      await under.store.commit({ orders: [order] })
      expect(await codes([under.store.commit({ orders: [later] })])).toEqual(['order_replayed'])
    })

    test('an amount or an entry that is out of balance never gets in', async () => {
      const { account } = await funded(under)
      const entry = move(outsideAccount, account, 5n)
      const crooked = { ...entry, legs: [...entry.legs, { account, amount: 1n }] }
      expect(await codes([under.store.commit({ entries: [crooked] })])).toEqual(['ledger_unbalanced'])
      expect(await codes([under.store.commit({ entries: [move(outsideAccount, account, 2n ** 63n)] })])).toEqual([
        'ledger_unbalanced',
      ])
    })
  })

  describe('ledger', () => {
    test('money moves, and what an account did is listed newest first', async () => {
      const { account } = await funded(under, 1_000n)
      const job = someId('job')
      const [escrow, bond] = [escrowAccount(job), bondAccount(someId('lease'))]
      const entry = {
        ...move(account, escrow, 300n, 'payment'),
        legs: [
          { account, amount: -300n },
          { account: escrow, amount: 200n },
          { account: bond, amount: 100n },
        ],
      }
      await under.store.commit({ entries: [entry] })
      const stranger = tenantAccount(someId('tenant'))
      const held = await under.store.ledger.balances([account, escrow, bond, stranger])
      expect([...held]).toEqual([
        [account, 700n],
        [escrow, 200n],
        [bond, 100n],
        [stranger, 0n],
      ])
      expect(await under.store.ledger.entries({ account: escrow, limit: 5 })).toEqual([entry])
      expect(await under.store.ledger.entry(entry.id)).toEqual(entry)
      expect(await under.store.ledger.entry(someId('entry'))).toBeUndefined()
      const all = await under.store.ledger.entries({ account, limit: 5 })
      expect(all.map(({ id }) => id)).toEqual(
        all
          .map(({ id }) => id)
          .toSorted()
          .toReversed(),
      )
      const [newest, oldest] = all
      if (newest === undefined || oldest === undefined) throw new Error('two entries')
      expect(await under.store.ledger.entries({ account, limit: 5, before: newest.id })).toEqual([oldest])
    })

    test('a stake that does not cover a bond is named so', async () => {
      const stake = stakeAccount(address('d'))
      await under.store.commit({ entries: [move(outsideAccount, stake, 10n)] })
      const error = await refusal(under.store.commit({ entries: [move(stake, bondAccount(someId('lease')), 11n)] }))
      expect(error.code).toBe('insufficient_bond')
      expect(error.facts).toEqual({ account: stake, expected: '11', found: '10' })
    })

    test('an entry is posted once', async () => {
      const { account } = await funded(under)
      const entry = move(account, outsideAccount, 1n)
      const results = await codes([1, 2].map(() => under.store.commit({ entries: [entry] })))
      expect(results.toSorted()).toEqual(['ok', 'transition_refused'])
      expect(await under.store.ledger.balance(account)).toBe(999n)
    })

    test('sums do not overflow', async () => {
      const { account } = await funded(under, 0n)
      const largest = 2n ** 63n - 1n
      await under.store.commit({ entries: [move(outsideAccount, account, largest)] })
      await under.store.commit({
        entries: [move(outsideAccount, account, largest), move(outsideAccount, account, largest)],
      })
      expect(await under.store.ledger.balance(account)).toBe(3n * largest)
      expect(await under.store.ledger.total()).toBe(0n)
    })

    test('the books close', async () => {
      const audit = await under.store.ledger.audit()
      expect(audit).toMatchObject({ total: 0n, mismatches: [] })
      expect(audit.accounts).toBeGreaterThan(0)
      expect(await under.store.ledger.total()).toBe(0n)
    })
  })
}
