import { buildModelBytes } from '@muster/graph'
import {
  createVerifier,
  nobleSecp256k1,
  receiptBundleSchema,
  toJson,
  type CommittedSpec,
  type ReceiptBundle,
} from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, listOf, noopSpec, signerNamed, startFakeMarket, type FakeMarket } from '../fake/index.ts'
import { verifyBill } from './verify-bill.ts'
import { verifyReceipt, type TrustedFacts } from './verify-receipt.ts'

const tenant = signerNamed('tenant')
let market: FakeMarket
let bundles: ReceiptBundle[]
let trusted: TrustedFacts & { readonly spec: CommittedSpec; readonly program: Uint8Array }

beforeAll(async () => {
  market = await startFakeMarket({ tenantAddress: tenant.address })
  const muster = createMuster({ url: market.url, apiKey: fakeApiKey, signer: tenant })
  const model = buildModelBytes({
    inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
    nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
  })
  const program = await muster.publishProgram(model)
  const x = await muster.putTensors(
    [1, 2, 3].map((value) => ({ dtype: 'float32', dims: [2], data: Float32Array.of(value, 0) })),
  )
  const view = await muster.submitJob({
    ...noopSpec(),
    runtime: 'graph',
    program: program.id,
    tasks: x.map((cid) => ({ inputs: [{ name: 'x', cid }] })),
    maxPrice: { nanoUsd: 1000n, per: 'operator' },
  })
  bundles = await listOf(muster.listReceipts(view.id))
  const { spec } = market.network.require(view.id).job
  trusted = {
    market: market.network.market,
    tenant: tenant.address,
    chainId: 31_337,
    spec,
    program: program.manifestBytes,
  }
})
afterAll(() => market.close())

type Path = readonly (string | number)[]

const leaves = (value: unknown, path: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, item]) =>
    leaves(item, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

/** Another value of the same kind, so that the form stays right and only the check can find it. */
const otherThan = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value + 1n
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (value === null) return null
  const text = typeof value === 'string' ? value : ''
  if (/^0x[0-9a-f]+$/.test(text)) return `${text.slice(0, 10)}${text[10] === '0' ? '1' : '0'}${text.slice(11)}`
  if (/^(job|ofr|ord|rsv|lse|rcp|tnt)_/.test(text))
    return `${text.slice(0, 12)}${text[12] === '0' ? '1' : '0'}${text.slice(13)}`
  const enums: Record<string, string> = { operator: 'task', graph: 'noop', tenant: 'market' }
  return enums[text] ?? `${text}x`
}

const changed = (bundle: ReceiptBundle, path: Path, change: (value: unknown) => unknown): unknown => {
  const copy: unknown = structuredClone(bundle)
  let at = copy as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  at[last] = change(at[last])
  return copy
}

describe('verifyReceipt', () => {
  test('passes every receipt of a job, through JSON and back', () => {
    expect(bundles).toHaveLength(3)
    for (const bundle of bundles) {
      const verdict = verifyReceipt(JSON.parse(toJson(bundle)), trusted)
      expect(verdict.checks.filter(({ result }) => result !== 'ok')).toEqual([])
      expect(verdict.ok).toBe(true)
    }
  })

  test('says what it cannot know without being told', () => {
    const { ok, checks } = verifyReceipt(bundles[0])
    expect(ok).toBe(true)
    expect(checks.filter(({ result }) => result === 'unknown').map(({ name }) => name)).toEqual([
      'the market is the one expected',
      'the tenant signed the order',
      'the operators billed are the program’s',
    ])
  })

  test('finds a change of any field of any record', () => {
    const [bundle] = bundles
    if (bundle === undefined) throw new Error('no receipt')
    const paths = leaves(bundle).filter(
      (path) => path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], bundle) !== null,
    )
    expect(paths.length).toBeGreaterThan(90)
    const missed = paths.filter((path) => verifyReceipt(changed(bundle, path, otherThan), trusted).ok)
    expect(missed.map((path) => path.join('.'))).toEqual([])
  })

  test('finds a change of any field but those of the order’s signature without being told anything', () => {
    const [bundle] = bundles
    if (bundle === undefined) throw new Error('no receipt')
    const paths = leaves(bundle).filter(
      (path) => path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], bundle) !== null,
    )
    const missed = paths
      .filter((path) => verifyReceipt(changed(bundle, path, otherThan)).ok)
      .map((path) => path.join('.'))
    expect(missed.filter((path) => path !== 'order.signature')).toEqual([])
  })

  test('finds an attribute by a name that JSON can carry and a record cannot', () => {
    const [bundle] = bundles
    if (bundle === undefined) throw new Error('no receipt')
    const json = toJson(bundle)
    const named = json.replace('"attributes":{', '"attributes":{"__proto__":"x"')
    expect(named).not.toBe(json)
    expect(verifyReceipt(JSON.parse(named), trusted)).toMatchObject({
      ok: false,
      checks: [{ name: 'it is a receipt with its records' }],
    })
  })

  test('finds a claim of another attempt, though all its signatures are right', () => {
    const [first, second] = bundles as [ReceiptBundle, ReceiptBundle]
    const { ok, checks } = verifyReceipt({ ...first, claim: second.claim }, trusted)
    expect(ok).toBe(false)
    expect(checks.filter(({ result }) => result === 'failed').map(({ name }) => name)).toEqual([
      'claim and receipt are of one attempt',
      'the receipt rests on this claim',
    ])
  })

  test('finds operators that the program does not have', () => {
    const { checks } = verifyReceipt(bundles[0], { ...trusted, program: Uint8Array.of(1) })
    expect(checks.find(({ name }) => name.startsWith('the operators billed'))?.result).toBe('failed')
  })

  test('finds an exec spec that is not the program’s, where the program is given', () => {
    const [bundle] = bundles
    if (bundle === undefined) throw new Error('no receipt')
    const other = changed(bundle, ['claim', 'record', 'execSpec'], otherThan)
    const resultOf = (value: unknown) =>
      verifyReceipt(value, trusted).checks.find(({ name }) => name === 'it ran under the program’s exec spec')?.result
    expect([resultOf(bundle), resultOf(other)]).toEqual(['ok', 'failed'])
  })

  test('holds an order the market signed against the tenant expected', async () => {
    const kept = await startFakeMarket({ keptByMarket: true })
    const muster = createMuster({ url: kept.url, apiKey: fakeApiKey })
    const [bundle] = await listOf(muster.listReceipts((await muster.submitJob(noopSpec())).id)).finally(
      () => void kept.close(),
    )
    const name = 'the market signed the order for the tenant'
    const resultOf = (given: TrustedFacts) =>
      verifyReceipt(bundle, given).checks.find((one) => one.name === name)?.result
    expect([resultOf({}), resultOf({ tenant: tenant.address })]).toEqual(['ok', 'failed'])
  })

  test('finds a lease of another job than the one the order made', () => {
    const [bundle] = bundles
    if (bundle === undefined) throw new Error('no receipt')
    const other = changed(bundle, ['lease', 'record', 'job'], otherThan)
    const name = 'the leased job is the one the order made'
    const resultOf = (value: unknown) => verifyReceipt(value).checks.find((one) => one.name === name)?.result
    expect([resultOf(bundle), resultOf(other)]).toEqual(['ok', 'failed'])
  })

  test.each([-1, 0, 1.5])('takes a receipt of network %d for none, and throws nothing', (chainId) => {
    expect(verifyReceipt({ ...bundles[0], chainId })).toMatchObject({
      ok: false,
      checks: [{ name: 'it is a receipt with its records' }],
    })
  })

  test('holds the market and the network against those expected', () => {
    expect(verifyReceipt(bundles[0], { market: tenant.address }).ok).toBe(false)
    expect(verifyReceipt(bundles[0], { chainId: 1 }).ok).toBe(false)
  })

  test.each([[null], [1], [{}], [[]], [{ receipt: {} }], ['text']])('takes %j for no receipt', (value) => {
    expect(verifyReceipt(value, trusted)).toMatchObject({
      ok: false,
      checks: [{ name: 'it is a receipt with its records' }],
    })
  })

  test('needs one recovery for a batch with a verifier that remembers', () => {
    let recoveries = 0
    const verifier = createVerifier({
      ...nobleSecp256k1,
      recover: (...given) => (recoveries++, nobleSecp256k1.recover(...given)),
    })
    for (const bundle of bundles) expect(verifyReceipt(bundle, trusted, verifier).ok).toBe(true)
    expect(recoveries).toBe(3 * bundles.length + 2)
  })
})

describe('verifyBill', () => {
  test('passes receipts that add up', () => {
    const total = bundles.reduce((sum, { receipt }) => sum + receipt.record.amount, 0n)
    expect(verifyBill(bundles, total)).toMatchObject({ ok: true, total })
  })

  test('finds a receipt that is there twice, a task charged twice and a sum that is wrong', () => {
    const [first] = bundles as [ReceiptBundle]
    const id = otherThan(first.receipt.record.id)
    const second = receiptBundleSchema.parse(changed(first, ['receipt', 'record', 'id'], () => id))
    const failed = (list: ReceiptBundle[], sum?: bigint) =>
      verifyBill(list, sum).checks.flatMap(({ name, result }) => (result === 'failed' ? [name] : []))
    expect(failed([first, first])).toEqual(['no receipt is counted twice', 'no task is charged twice'])
    expect(failed([first, second])).toEqual(['no task is charged twice'])
    expect(failed(bundles, 1n)).toEqual(['the receipts add up to what was charged'])
  })

  const withRecordOf =
    (bundle: ReceiptBundle) =>
    (record: Partial<ReceiptBundle['receipt']['record']>): ReceiptBundle => ({
      ...bundle,
      receipt: { ...bundle.receipt, record: { ...bundle.receipt.record, ...record } },
    })

  test('finds a reversal that hides a task charged twice', () => {
    const [first, second] = bundles as [ReceiptBundle, ReceiptBundle]
    const withRecord = withRecordOf(first)
    const { id, amount } = first.receipt.record
    const [reversalId, againId, moreId] = ['W', 'X', 'Y', 'Z']
      .map((end) => `${id.slice(0, -1)}${end}` as typeof id)
      .filter((other) => other !== id)
    if (reversalId === undefined || againId === undefined || moreId === undefined) throw new Error('three other ids')
    const again = withRecord({ id: againId })
    const failed = (...reversals: ReceiptBundle[]) =>
      verifyBill([first, again, ...reversals]).checks.flatMap(({ name, result }) => (result === 'failed' ? [name] : []))
    const both = ['no task is charged twice', 'every reversal undoes one receipt, and all of it']
    const right = withRecord({ id: reversalId, reverses: id, amount: -amount })
    expect(failed(right)).toEqual([])
    expect(failed(withRecord({ id: reversalId, reverses: id, amount: 0n }))).toEqual(both)
    expect(failed(withRecord({ id: reversalId, reverses: moreId, amount: -amount }))).toEqual(both)
    expect(failed(withRecordOf(second)({ id: reversalId, reverses: id, amount: -amount }))).toEqual(both)
    expect(failed(right, withRecord({ id: moreId, reverses: id, amount: -amount }))).toEqual(both.slice(1))
    expect(failed(right, withRecord({ id: moreId, reverses: reversalId, amount }))).toEqual(both.slice(1))
  })

  test('finds receipts that come to more than their order’s ceiling', () => {
    const low = bundles.map((bundle): ReceiptBundle => {
      const ceiling = (bundle.receipt.record.amount * BigInt(bundles.length)) as typeof bundle.order.record.ceiling
      return { ...bundle, order: { ...bundle.order, record: { ...bundle.order.record, ceiling: ceiling - 1n } } }
    })
    expect(verifyBill(low).checks.filter(({ result }) => result === 'failed')).toMatchObject([
      { name: 'no order is charged more than its ceiling' },
    ])
  })

  test('a refund takes from what was charged, and the fee is part of what is left', () => {
    const whole = bundles.map((bundle): ReceiptBundle => ({ ...bundle, fee: 2n }))
    const charged = whole.reduce((sum, { receipt }) => sum + receipt.record.amount, 0n)
    const [first] = whole as [ReceiptBundle]
    const { id, amount } = first.receipt.record
    const reversalId = `${id.slice(0, -1)}${id.endsWith('X') ? 'Y' : 'X'}` as typeof id
    const reversal = { ...withRecordOf(first)({ id: reversalId, amount: -amount, reverses: id }), fee: -2n }
    const fees = 2n * BigInt(whole.length)
    expect(verifyBill(whole, charged)).toMatchObject({ ok: true, total: charged, refunded: 0n, fees })
    const after = { ok: true, total: charged - amount, refunded: amount, fees: fees - 2n }
    expect(verifyBill([...whole, reversal], charged)).toMatchObject(after)
    for (const wrong of [charged + 1n, charged - amount - 1n])
      expect(verifyBill([...whole, reversal], wrong).ok).toBe(false)
    expect(verifyBill(whole, charged - 1n).ok).toBe(false)
    for (const fee of [-1n, amount + 1n]) {
      const failed = verifyBill([{ ...first, fee }]).checks.filter(({ result }) => result === 'failed')
      expect(failed).toMatchObject([{ name: 'the market’s fee is part of each receipt' }])
    }
  })

  test('lets a task be charged again once its first receipt is reversed', () => {
    const [first] = bundles as [ReceiptBundle]
    const withRecord = withRecordOf(first)
    const { id, amount } = first.receipt.record
    const [reversalId, againId] = ['X', 'Y', 'Z']
      .map((end) => `${id.slice(0, -1)}${end}` as typeof id)
      .filter((other) => other !== id)
    if (reversalId === undefined || againId === undefined) throw new Error('two other ids')
    const reversal = withRecord({ id: reversalId, amount: -amount, reverses: id })
    expect(verifyBill([first, reversal, withRecord({ id: againId })], amount)).toMatchObject({ ok: true })
  })
})
