import {
  attemptId,
  digestOf,
  earningsAccount,
  feesAccount,
  outsideAccount,
  pickFromGroup,
  tenantAccount,
  type AttemptId,
  type LedgerEntry,
  type Receipt,
  type ReceiptId,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { spreadBatch } from '../spread-batch.ts'
import type { ReceiptBatch, StoredReceipt } from '../store.ts'
import { address, at, idsOf, move, someBatch, someId } from '../test-records.ts'
import { codes, refusal, type OpenStore } from './expectations.ts'

const oldestFirst = (batches: readonly ReceiptBatch[]): StoredReceipt[] =>
  batches.flatMap(spreadBatch).toSorted((a, b) => (a.receipt.record.id < b.receipt.record.id ? -1 : 1))

/** The batch, each of its receipts as `change` makes it. */
const changed = (batch: ReceiptBatch, change: (index: number) => Partial<Receipt>): ReceiptBatch => {
  const records = batch.receipts.records.map((receipt, index) => ({ ...receipt, ...change(index) }))
  return { ...batch, receipts: { ...batch.receipts, records } }
}

const someIds = (count: number) => idsOf(spreadBatch(someBatch(someId('job'), [...Array(count).keys()])))

/** All there is, in pages of this size. */
const readPages = async (
  limit: number,
  read: (cursor: ReceiptId | undefined) => Promise<readonly StoredReceipt[]>,
): Promise<StoredReceipt[]> => {
  const all: StoredReceipt[] = []
  for (;;) {
    const page = await read(all.at(-1)?.receipt.record.id)
    all.push(...page)
    if (page.length < limit) return all
  }
}

export const describeReceipts = (under: OpenStore): void => {
  describe('receipts', () => {
    test('each comes back with its claim and what it needs to be checked alone', async () => {
      const batch = someBatch(someId('job'), [4, 0, 3, 1, 2], { amount: -7n, reverses: someId('receipt'), entry: null })
      const alone = someBatch(someId('job'), [3])
      await under.store.commit({ receipts: [batch, alone] })
      for (const stored of [...spreadBatch(batch), ...spreadBatch(alone)])
        expect(await under.store.receipts.get(stored.receipt.record.id)).toEqual(stored)
    })

    test('the fee of a batch is shared over its receipts, to the last nano-dollar', async () => {
      const batch = someBatch(someId('job'), [0, 1, 2, 3, 4, 5, 6], { fee: 100n })
      await under.store.commit({ receipts: [batch] })
      const fees: bigint[] = []
      for (const id of idsOf(spreadBatch(batch))) fees.push((await under.store.receipts.get(id))?.fee ?? -1n)
      expect(fees).toEqual([14n, 14n, 14n, 15n, 14n, 14n, 15n])
      expect(fees.reduce((sum, fee) => sum + fee, 0n)).toBe(100n)
    })

    test('batches come whole, by provider and time, in pages', async () => {
      const provider = address('c')
      const batches = [0, 1, 2, 3].map((hour) =>
        someBatch(someId('job'), [0, 1], { provider, issuedAt: at + hour, fee: BigInt(hour) }),
      )
      const byId = batches.toSorted((a, b) =>
        (a.receipts.records[0]?.id ?? '') < (b.receipts.records[0]?.id ?? '') ? -1 : 1,
      )
      for (const batch of batches) await under.store.commit({ receipts: [batch, someBatch(someId('job'), [0])] })
      const read = (query: { from?: number; to?: number; limit?: number; after?: ReceiptId }) =>
        under.store.receipts.batches({ provider, limit: 9, ...query })
      expect(await read({})).toEqual(byId)
      const isWithin = ({ receipts }: ReceiptBatch) => (receipts.records[0]?.issuedAt ?? 0) < at + 3
      expect(await read({ from: at, to: at + 3 })).toEqual(byId.filter(isWithin))
      expect(await read({ from: at + 4 })).toEqual([])
      const [first, ...rest] = byId
      expect(await read({ limit: 1 })).toEqual([first])
      expect(await read({ after: first?.receipts.records[0]?.id ?? someId('receipt') })).toEqual(rest)
      expect((await under.store.receipts.batches({ limit: 1_000 })).length).toBeGreaterThanOrEqual(8)
    })

    test('one whose id was never given is not there, whatever was given around it', async () => {
      const [before, first, between, last, after] = someIds(5)
      if (!before || !first || !between || !last || !after) throw new Error('five ids')
      const batch = changed(someBatch(someId('job'), [0, 1]), (index) => ({ id: index === 0 ? first : last }))
      await under.store.commit({ receipts: [batch] })
      for (const id of [before, between, after, someId('receipt')])
        expect(await under.store.receipts.get(id)).toBeUndefined()
      expect(await under.store.receipts.get(last)).toEqual(spreadBatch(batch)[1])
    })

    test('records that were picked out of a larger group keep signatures of their own', async () => {
      const job = someId('job')
      const batch = someBatch(job, [0, 1, 2, 3])
      const isOdd = (_: unknown, index: number) => index % 2 === 1
      const [receipts, claims] = [pickFromGroup(batch.receipts, isOdd), pickFromGroup(batch.claims, isOdd)]
      if (receipts === undefined || claims === undefined) throw new Error('two of each are odd')
      await under.store.commit({ receipts: [{ ...batch, receipts, claims }] })
      expect(await under.store.receipts.ofJob(job, { limit: 9 })).toEqual(spreadBatch(batch).filter(isOdd))
    })

    test('those of a job come in the order of their ids, and a page ends and begins inside of a batch', async () => {
      const job = someId('job')
      const batches = [[9, 2, 5], [0], [1, 3, 4, 6, 7], [8]].map((indexes) => someBatch(job, indexes))
      for (const batch of batches) await under.store.commit({ receipts: [batch, someBatch(someId('job'), [0, 1])] })
      const all = oldestFirst(batches)
      for (let limit = 1; limit <= all.length + 1; limit++) {
        const pages = await readPages(limit, (after) =>
          under.store.receipts.ofJob(job, { limit, ...(after === undefined ? {} : { after }) }),
        )
        expect(pages).toEqual(all)
      }
      expect(await under.store.receipts.ofJob(someId('job'), { limit: 9 })).toEqual([])
    })

    test('those of a tenant and of a provider come newest first, in pages likewise', async () => {
      const [tenant, provider] = [someId('tenant'), address('e')]
      const batches = [[0, 1, 2], [0], [0, 1], [0]].map((indexes) =>
        someBatch(someId('job'), indexes, { tenant, provider }),
      )
      await under.store.commit({ receipts: [...batches, someBatch(someId('job'), [0, 1])] })
      const all = oldestFirst(batches).toReversed()
      for (let limit = 1; limit <= all.length + 1; limit++) {
        const page = (before: ReceiptId | undefined) => ({ limit, ...(before === undefined ? {} : { before }) })
        const { receipts } = under.store
        expect(await readPages(limit, (cursor) => receipts.ofTenant(tenant, page(cursor)))).toEqual(all)
        expect(await readPages(limit, (cursor) => receipts.ofProvider(provider, page(cursor)))).toEqual(all)
      }
    })

    test('a batch is written once, and no two receipts of a commit have one id or pay one attempt', async () => {
      const job = someId('job')
      const batch = someBatch(job, [0, 1, 2])
      await under.store.commit({ receipts: [batch] })
      const [first, second, third] = someIds(3)
      if (!first || !second || !third) throw new Error('three ids')
      const around = changed(someBatch(job, [3, 4]), (index) => ({ id: index === 0 ? first : third }))
      const within = changed(someBatch(job, [5]), () => ({ id: second }))
      const refused = [
        [batch],
        [around, within],
        [someBatch(job, [3, 3])],
        [someBatch(job, [3]), someBatch(job, [2, 3])],
      ]
      const error = await refusal(under.store.commit({ receipts: [batch] }))
      expect(error.facts).toEqual({ receipt: spreadBatch(batch)[0]?.receipt.record.id, job })
      expect(await codes(refused.map((receipts) => under.store.commit({ receipts })))).toEqual(
        refused.map(() => 'transition_refused'),
      )
      await under.store.commit({ receipts: [someBatch(job, [3], { reverses: first }), someBatch(job, [3])] })
    })

    test('what is no batch is refused as such', async () => {
      const job = someId('job')
      const batch = someBatch(job, [0, 1])
      const ids = idsOf(spreadBatch(batch))
      const { records } = batch.receipts
      const claims = batch.claims.records
      const wrong: readonly ReceiptBatch[] = [
        { ...batch, fee: 0n, receipts: { records: [], signatures: [] }, claims: { records: [], signatures: [] } },
        { ...batch, receipts: { records, signatures: [] } },
        { ...batch, claims: { records: claims, signatures: [] } },
        { ...batch, claims: { ...batch.claims, records: claims.slice(1) } },
        { ...batch, claims: { ...batch.claims, records: claims.toReversed() } },
        changed(batch, (index) => ({ id: ids[1 - index] ?? someId('receipt') })),
        changed(batch, () => ({ id: records[0]?.id ?? someId('receipt') })),
        changed(batch, () => ({ attempt: `${job}.0` as AttemptId })),
        changed(batch, (index) => ({ attempt: attemptId(index === 0 ? job : someId('job'), index, 1) })),
        changed(batch, () => ({ tenant: someId('tenant') })),
        changed(batch, (index) => ({ provider: address(String(index)) })),
        changed(batch, () => ({ claim: digestOf('another') })),
        { ...batch, fee: -1n },
        { ...batch, fee: 2n * 278n + 1n },
      ]
      const results = await codes(wrong.map((each) => under.store.commit({ receipts: [each] })))
      expect(results).toEqual(wrong.map(() => 'record_invalid'))
      expect(await under.store.receipts.ofJob(job, { limit: 9 })).toEqual([])
    })
  })

  describe('an audit of the receipts', () => {
    test('names a payment that is not the sum of the receipts that it pays', async () => {
      const job = someId('job')
      const payOf = (amount: bigint) => move(outsideAccount, earningsAccount(address('b')), amount, 'payment')
      const [whole, short] = [payOf(3n * 278n), payOf(278n)]
      const receipts = [
        someBatch(job, [0, 1], { entry: whole.id }),
        someBatch(job, [2], { entry: whole.id }),
        someBatch(job, [3, 4], { entry: short.id }),
        someBatch(job, [5], { entry: null }),
      ]
      await under.store.commit({ receipts, entries: [whole, short] })
      const { unreconciled } = await under.store.ledger.audit()
      expect(unreconciled).toContainEqual({ entry: short.id, paid: 278n, receipted: 2n * 278n })
      expect(unreconciled.map(({ entry }) => entry)).not.toContain(whole.id)
    })

    test('takes the fee as part of a payment, and a reversal as a payment the other way', async () => {
      const job = someId('job')
      const [provider, tenant] = [earningsAccount(address('d')), tenantAccount(someId('tenant'))]
      const paying = (kind: LedgerEntry['kind'], legs: LedgerEntry['legs']): LedgerEntry => ({
        id: someId('entry'),
        kind,
        legs,
        at,
      })
      const payment = paying('payment', [
        { account: outsideAccount, amount: -556n },
        { account: provider, amount: 546n },
        { account: feesAccount, amount: 10n },
      ])
      const back = paying('reversal', [
        { account: provider, amount: -273n },
        { account: feesAccount, amount: -5n },
        { account: tenant, amount: 278n },
      ])
      const charge = someBatch(job, [0, 1], { entry: payment.id, fee: 10n, provider: address('d') })
      const reverses = charge.receipts.records[0]?.id ?? null
      const reversal = someBatch(job, [0], {
        entry: back.id,
        fee: -5n,
        provider: address('d'),
        reverses,
        amount: -278n,
      })
      await under.store.commit({ receipts: [charge], entries: [payment] })
      await under.store.commit({ receipts: [reversal], entries: [back] })
      const { unreconciled } = await under.store.ledger.audit()
      expect(unreconciled.filter(({ entry }) => entry === payment.id || entry === back.id)).toEqual([])
    })

    test('names an attempt that is paid twice, unless all but one of its receipts are reversed', async () => {
      const job = someId('job')
      const batches = [someBatch(job, [0, 1, 2]), someBatch(job, [1, 2]), someBatch(job, [0], { fence: 2 })]
      for (const batch of batches) await under.store.commit({ receipts: [batch] })
      const ofAttempt = (index: number) =>
        idsOf(oldestFirst(batches).filter(({ receipt }) => receipt.record.attempt === attemptId(job, index, 1)))
      const reverses = ofAttempt(2)[0] ?? null
      await under.store.commit({ receipts: [someBatch(job, [2], { reverses, amount: -278n })] })
      const { paidTwice } = await under.store.ledger.audit()
      expect(paidTwice.filter(({ attempt }) => attempt.startsWith(job))).toEqual([
        { attempt: attemptId(job, 1, 1), receipts: ofAttempt(1) },
      ])
    })
  })
}
