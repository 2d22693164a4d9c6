import { earningsAccount, outsideAccount } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, at, move, someId, someJobRow, someReceipt } from '../test-records.ts'
import { codes, type OpenStore } from './expectations.ts'

export const describeProjections = (under: OpenStore): void => {
  describe('jobs', () => {
    test('rows are listed by tenant and phase, newest first, in pages', async () => {
      const tenant = someId('tenant')
      const ids = Array.from({ length: 5 }, () => someId('job')).toSorted()
      await under.store.commit({ jobs: ids.map((id) => someJobRow(id, tenant)) })
      const [first, second, third, fourth, fifth] = ids
      if (!first || !second || !third || !fourth || !fifth) throw new Error('five ids')
      const counts = { waiting: 0, running: 0, accepted: 0, final: 2, abandoned: 0, cancelled: 0 }
      const done = someJobRow(third, tenant, { phase: 'succeeded', counts, charged: 5n, closedAt: at + 9 })
      await under.store.commit({ jobs: [done] })
      expect(await under.store.jobs.get(third)).toEqual(done)
      const page = await under.store.jobs.list({ tenant, limit: 2 })
      expect(page.map(({ id }) => id)).toEqual([fifth, fourth])
      const next = await under.store.jobs.list({ tenant, limit: 9, before: fourth })
      expect(next.map(({ id }) => id)).toEqual([third, second, first])
      expect(await under.store.jobs.list({ tenant, phase: 'succeeded', limit: 9 })).toEqual([done])
      expect(await under.store.jobs.list({ tenant: someId('tenant'), limit: 9 })).toEqual([])
      const active = await under.store.jobs.active()
      expect(ids.filter((id) => active.includes(id))).toEqual([first, second, fourth, fifth])
    })

    test('text keeps every character', async () => {
      const [id, tenant] = [someId('job'), someId('tenant')]
      const row = someJobRow(id, tenant, { name: `NULL "quoted" \\back\\ {a,b} 'x' é 漢 🦊 \n\t` })
      await under.store.commit({ jobs: [row, someJobRow(someId('job'), tenant, { name: '' })] })
      expect(await under.store.jobs.get(id)).toEqual(row)
    })

    test('the last row of a job in a group holds', async () => {
      const [id, tenant] = [someId('job'), someId('tenant')]
      const rows = [1, 2, 3].map((waiting) =>
        someJobRow(id, tenant, { counts: { ...someJobRow(id, tenant).counts, waiting } }),
      )
      await Promise.all(rows.map((row) => under.store.commit({ jobs: [row] })))
      expect(await under.store.jobs.get(id)).toEqual(rows.at(-1))
    })
  })

  describe('receipts', () => {
    test('a receipt comes back with its claim, as they were signed', async () => {
      const stored = someReceipt(someId('job'), 3, 2, { amount: -7n, reverses: someId('receipt') })
      await under.store.commit({ receipts: [stored] })
      expect(await under.store.receipts.get(stored.receipt.record.id)).toEqual(stored)
      expect(await under.store.receipts.get(someId('receipt'))).toBeUndefined()
    })

    test('those of a job come by task and fence, in pages', async () => {
      const job = someId('job')
      const all = [10, 2, 0, 1].map((index) => someReceipt(job, index))
      const reversal = someReceipt(job, 2, 1, { reverses: all[1]?.receipt.record.id ?? null, amount: -278n })
      const again = someReceipt(job, 2, 2)
      await under.store.commit({ receipts: all })
      await under.store.commit({ receipts: [reversal, again] })
      const places = (receipts: readonly { receipt: { record: { attempt: string } } }[]) =>
        receipts.map(({ receipt }) => receipt.record.attempt.slice(job.length))
      const page = await under.store.receipts.ofJob(job, { limit: 3 })
      expect(places(page)).toEqual(['.0.1', '.1.1', '.2.1'])
      const after = page.at(-1)?.receipt.record.id
      if (after === undefined) throw new Error('a page')
      expect(places(await under.store.receipts.ofJob(job, { limit: 9, after }))).toEqual(['.2.1', '.2.2', '.10.1'])
    })

    test('those of a tenant and of a provider come newest first', async () => {
      const [tenant, provider] = [someId('tenant'), address('e')]
      const receipts = [0, 1, 2].map((index) => someReceipt(someId('job'), index, 1, { tenant, provider }))
      await under.store.commit({ receipts })
      const ids = receipts.map(({ receipt }) => receipt.record.id).toSorted()
      const idsOf = (found: readonly (typeof receipts)[number][]) => found.map(({ receipt }) => receipt.record.id)
      expect(idsOf(await under.store.receipts.ofTenant(tenant, { limit: 2 }))).toEqual(ids.slice(1).toReversed())
      const [first, second] = ids
      if (first === undefined || second === undefined) throw new Error('ids')
      expect(idsOf(await under.store.receipts.ofProvider(provider, { limit: 9, before: second }))).toEqual([first])
    })

    test('an attempt has one receipt, and a receipt one that reverses it', async () => {
      const job = someId('job')
      const first = someReceipt(job, 0)
      await under.store.commit({ receipts: [first] })
      const reverses = first.receipt.record.id
      const results = [
        await codes([under.store.commit({ receipts: [someReceipt(job, 0)] })]),
        await codes([under.store.commit({ receipts: [someReceipt(job, 0, 1, { reverses })] })]),
        await codes([under.store.commit({ receipts: [someReceipt(job, 0, 1, { reverses })] })]),
        await codes([under.store.commit({ receipts: [someReceipt(job, 0, 2)] })]),
      ]
      expect(results.flat()).toEqual(['transition_refused', 'ok', 'transition_refused', 'ok'])
    })

    test('a payment is the sum of the receipts that name it, and an audit names one that is not', async () => {
      const job = someId('job')
      const payOf = (amount: bigint) => move(outsideAccount, earningsAccount(address('b')), amount, 'payment')
      const [whole, short] = [payOf(3n * 278n), payOf(278n)]
      const receipts = [0, 1, 2].map((index) => ({ ...someReceipt(job, index), entry: whole.id }))
      const extra = [3, 4].map((index) => ({ ...someReceipt(job, index), entry: short.id }))
      const bare = { ...someReceipt(job, 5), entry: null }
      await under.store.commit({ receipts: [...receipts, ...extra, bare], entries: [whole, short] })
      expect(await under.store.receipts.ofJob(job, { limit: 9 })).toEqual([...receipts, ...extra, bare])
      const { unreconciled } = await under.store.ledger.audit()
      expect(unreconciled).toContainEqual({ entry: short.id, paid: 278n, receipted: 2n * 278n })
      expect(unreconciled.map(({ entry }) => entry)).not.toContain(whole.id)
    })
  })
}
