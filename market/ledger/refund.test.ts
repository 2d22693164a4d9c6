import {
  earningsAccount,
  feesAccount,
  idPrefixes,
  newId,
  receiptBundleSchema,
  tenantAccount,
  type EntryId,
  type ReceiptBundle,
} from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf, rehearse, type Tenant } from '../rehearsal/rehearse.ts'
import { auditLedger } from './audit/audit-ledger.ts'
import { createRefund } from './refund.ts'
import { refundId } from './refund-id.ts'

const balance = 1_000_000n

/** A market that keeps 2.5 %, with one job of five tasks at 333 nano-dollars each that is done and paid. */
const setUp = async (market = { feeBasisPoints: 250 }) => {
  const stage = await rehearse({ market })
  const agent = await stage.agent({ key: 1, slots: 5, nanoUsd: 333n })
  const tenant = await stage.tenant(balance)
  const job = (await tenant.submit(noopSpec(5, { slots: 5 }))).id
  await stage.closed(tenant, job)
  const bundles = await receiptsOf(tenant, job)
  const refund = (of: unknown, headers: Record<string, string> = {}, reason = 'the pages were blank') =>
    Promise.resolve(
      stage.app().request('/v1/admin/refunds', {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ of, reason }),
      }),
    )
  const key = () => newId(stage.world, 'entry')
  const held = async () => ({
    tenant: await stage.balance(tenantAccount(tenant.id)),
    earnings: await stage.balance(earningsAccount(agent.address)),
    fees: await stage.balance(feesAccount),
  })
  const audit = () =>
    auditLedger({ world: { ...stage.world, after: (_, act) => stage.world.after(0, act) }, store: stage.store() })
  return { stage, agent, tenant, job, bundles, refund, key, held, audit }
}

const receiptsOf = async (tenant: Tenant, job: string): Promise<ReceiptBundle[]> => {
  const { receipts } = (await (await tenant.request('GET', `/v1/jobs/${job}/receipts`)).json()) as {
    receipts: unknown[]
  }
  return receipts.map((each) => receiptBundleSchema.parse(each))
}

const receiptOf = (bundle: ReceiptBundle | undefined) => ({ type: 'receipt', receipt: bundle?.receipt.record.id })

describe('a refund', () => {
  test('of a receipt gives the tenant all of it, out of the earnings and the fee it went to', async () => {
    const { bundles, refund, held, tenant, job, audit } = await setUp()
    const before = await held()
    const [first] = bundles
    const response = await refund(receiptOf(first))
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({ job, tenant: tenant.id, amount: '333' })
    const fee = first?.fee ?? 0n
    expect(await held()).toEqual({
      tenant: before.tenant + 333n,
      earnings: before.earnings - 333n + fee,
      fees: before.fees - fee,
    })
    const after = await receiptsOf(tenant, job)
    expect(after).toHaveLength(6)
    expect(after.find(({ receipt }) => receipt.record.reverses !== null)?.receipt.record).toMatchObject({
      reverses: first?.receipt.record.id,
      amount: -333n,
      attempt: first?.receipt.record.attempt,
      claim: first?.receipt.record.claim,
    })
    expect(await audit()).toMatchObject({ ok: true })
  })

  test('of every receipt leaves neither provider nor market with anything', async () => {
    const { bundles, refund, held, audit } = await setUp()
    for (const bundle of bundles) expect((await refund(receiptOf(bundle))).status).toBe(201)
    expect(await held()).toEqual({ tenant: balance, earnings: 0n, fees: 0n })
    expect(await audit()).toMatchObject({ ok: true })
  })

  test('of a receipt is made once: a second one is refused, at once or later, with a key or without', async () => {
    const { bundles, refund, held, key } = await setUp()
    const [first] = bundles
    const statuses = (await Promise.all([1, 2, 3].map(() => refund(receiptOf(first))))).map(({ status }) => status)
    expect(statuses).toEqual([201, 409, 409])
    const after = await held()
    expect(await problemOf(await refund(receiptOf(first), { 'idempotency-key': key() }))).toMatchObject({
      code: 'conflict',
      retry: 'never',
      message: 'This receipt was refunded before. Nothing was moved.',
    })
    expect(await held()).toEqual(after)
  })

  test('that is repeated with its key is made once and answered alike; the key is not taken for another', async () => {
    const { bundles, refund, held, key, job } = await setUp()
    const headers = { 'idempotency-key': key() }
    const answers = await Promise.all([1, 2, 3].map(async () => (await refund(receiptOf(bundles[0]), headers)).json()))
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    const after = await held()
    for (const other of [
      await refund(receiptOf(bundles[1]), headers),
      await refund(receiptOf(bundles[0]), headers, 'another reason'),
      await refund({ type: 'amount', job, amount: '1' }, headers),
    ])
      expect(await problemOf(other)).toMatchObject({ status: 409, code: 'conflict' })
    expect(await held()).toEqual(after)
  })

  test('that two nodes are asked for at once is made by one of them', async () => {
    const { stage, bundles, held, audit } = await setUp()
    const { signer } = stage.market().submitModules
    const modules = { world: stage.world, store: stage.store(), signer, domain: stage.market().domain }
    const nodes = [createRefund(modules), createRefund(modules), createRefund(modules)]
    const all = nodes.flatMap((refund) =>
      bundles.map(async ({ receipt: { record } }) =>
        refund({ of: { type: 'receipt', receipt: record.id }, reason: 'blank', idempotencyKey: undefined }),
      ),
    )
    const settled = await Promise.allSettled(all)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(bundles.length)
    expect(await held()).toEqual({ tenant: balance, earnings: 0n, fees: 0n })
    expect(await audit()).toMatchObject({ ok: true })
  })

  test('of an amount comes out of the fees, as far as they go, and never beyond what was paid', async () => {
    const { refund, held, job, stage, audit, bundles } = await setUp()
    const before = await held()
    expect(before.fees).toBe(40n)
    expect((await refund({ type: 'amount', job, amount: '38' })).status).toBe(201)
    expect(await held()).toEqual({ ...before, tenant: before.tenant + 38n, fees: 2n })
    expect(await problemOf(await refund({ type: 'amount', job, amount: '3' }))).toMatchObject({
      status: 402,
      code: 'insufficient_funds',
    })
    await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'fees' }, amount: '10000' })
    expect(await problemOf(await refund({ type: 'amount', job, amount: '1628' }))).toMatchObject({
      code: 'conflict',
      facts: { left: '$0.000001627', asked: '$0.000001628' },
    })
    expect((await refund({ type: 'amount', job, amount: '1300' })).status).toBe(201)
    expect(await problemOf(await refund(receiptOf(bundles[0])))).toMatchObject({ code: 'conflict' })
    expect((await refund({ type: 'amount', job, amount: '327' })).status).toBe(201)
    expect(await problemOf(await refund({ type: 'amount', job, amount: '1' }))).toMatchObject({ code: 'conflict' })
    expect((await held()).tenant).toBe(balance)
    expect(await audit()).toMatchObject({ ok: true })
  })

  test('whatever is asked for, never more than was paid comes back, and the ledger stays whole', async () => {
    const asked = fc.array(
      fc.oneof(
        fc.record({ type: fc.constant('receipt' as const), place: fc.nat(5) }),
        fc.record({ type: fc.constant('amount' as const), amount: fc.integer({ min: 1, max: 900 }) }),
      ),
      { maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(asked, fc.constantFrom(0, 1, 250, 3_333, 10_000), async (refunds, feeBasisPoints) => {
        const { stage, bundles, refund, held, job, audit } = await setUp({ feeBasisPoints })
        await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'fees' }, amount: '5000' })
        await Promise.all(
          refunds.map((each) =>
            refund(
              each.type === 'receipt'
                ? receiptOf(bundles[each.place] ?? bundles[0])
                : { type: 'amount', job, amount: each.amount },
            ),
          ),
        )
        const { tenant } = await held()
        expect(tenant <= balance).toBe(true)
        expect(tenant >= balance - 1_665n).toBe(true)
        expect(await audit()).toMatchObject({ ok: true })
      }),
      { numRuns: 25 },
    )
  })

  test.each([
    ['of nothing', { type: 'amount', amount: '0' }, 400],
    ['of less than nothing', { type: 'amount', amount: '-5' }, 400],
    ['of a fraction', { type: 'amount', amount: '0.5' }, 400],
    ['of what nobody knows', { type: 'receipt', receipt: `rcp_${'0'.repeat(26)}` }, 404],
    ['of a job that nobody knows', { type: 'amount', job: `job_${'0'.repeat(26)}`, amount: '5' }, 404],
    ['of something else', { type: 'everything' }, 400],
  ])('%s is refused', async (_, of, status) => {
    const { refund, job, held } = await setUp()
    const before = await held()
    const whole = of.type === 'receipt' ? of : { job, ...of }
    expect((await refund(whole)).status).toBe(status)
    expect(await held()).toEqual(before)
  })

  test('of a reversal, without a reason, or by a tenant is refused', async () => {
    const { bundles, refund, tenant, job } = await setUp()
    expect((await refund(receiptOf(bundles[0]))).status).toBe(201)
    const reversal = (await receiptsOf(tenant, job)).find(({ receipt }) => receipt.record.reverses !== null)
    expect(await problemOf(await refund(receiptOf(reversal)))).toMatchObject({ code: 'conflict' })
    expect((await refund(receiptOf(bundles[1]), {}, '')).status).toBe(400)
    const asTenant = await tenant.request('POST', '/v1/admin/refunds', { of: receiptOf(bundles[1]), reason: 'because' })
    expect(asTenant.status).toBe(401)
  })
})

test('the ids of refunds are ids of entries, one for each job and number', () => {
  const stage = {
    now: () => 1_790_000_000_000,
    random: (count: number) => new Uint8Array(count).map((_, index) => index * 7),
  }
  const jobs = [1, 2].map((shift) => newId({ ...stage, now: () => stage.now() + shift } as never, 'job'))
  const ids = new Set<EntryId>()
  for (const job of jobs) for (let number = 0; number < 50; number++) ids.add(refundId(job, number))
  expect(ids.size).toBe(100)
  for (const id of ids) expect(id.startsWith(`${idPrefixes.entry}_`)).toBe(true)
})
