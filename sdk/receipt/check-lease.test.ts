import { createVerifier, nobleSecp256k1, signRecord, toJson, type ReceiptBundle } from '@muster/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Muster } from '../client/create-client.ts'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, listOf, noopSpec, signerNamed, startFakeMarket, type FakeMarket } from '../fake/index.ts'
import { verifyReceipt } from './verify-receipt.ts'

const hourMs = 3_600_000
const tenant = signerNamed('tenant')
let market: FakeMarket
let muster: Muster
let bundle: ReceiptBundle

beforeAll(async () => {
  const term = {
    kinds: ['reserved', 'spot'] as ('reserved' | 'spot')[],
    noticeMs: 60_000,
    minMs: 0,
    maxMs: 48 * hourMs,
  }
  market = await startFakeMarket({ tenantAddress: tenant.address, term, runsAtOnce: false })
  muster = createMuster({ url: market.url, apiKey: fakeApiKey, signer: tenant })
  const { id } = await muster.submitJob({ ...noopSpec(), lease: { kind: 'reserved', termMs: hourMs } })
  const { leases } = await muster.listLeases(id)
  const [lease] = leases
  if (lease === undefined) throw new Error('no lease')
  for (const hours of [1, 2]) await muster.extendLease(id, lease.id, lease.until + hours * hourMs)
  market.network.run(id)
  const [first] = await listOf<ReceiptBundle>(muster.listReceipts(id))
  if (first === undefined) throw new Error('no receipt')
  bundle = first
})
afterAll(() => market.close())

const failed = (changed: ReceiptBundle): string[] =>
  verifyReceipt(changed, { market: market.network.market, tenant: tenant.address }, createVerifier(nobleSecp256k1))
    .checks.filter(({ result }) => result === 'failed')
    .map(({ name }) => name)

const signedAgain = (change: Partial<ReceiptBundle['lease']['record']>): ReceiptBundle => {
  const record = { ...bundle.lease.record, ...change }
  return { ...bundle, lease: signRecord(market.network.signers.market, domain(), record) }
}
const domain = () => ({ chainId: 31_337, market: market.network.market })

test('a receipt under a reserved lease that was made longer passes', () => {
  expect(bundle.amendments).toHaveLength(2)
  expect(failed(bundle)).toEqual([])
})

test('a lease of another kind, term or length than was reserved fails', () => {
  expect(failed(signedAgain({ term: { kind: 'on-demand', termMs: hourMs } }))).toEqual(
    expect.arrayContaining(['the lease is of the kind ordered', 'the term of the lease is the one reserved']),
  )
  expect(failed(signedAgain({ paidUntil: bundle.lease.record.startsAt + 2 * hourMs }))).toContain(
    'the lease lasts as long as was ordered and reserved',
  )
  expect(failed(signedAgain({ paidUntil: bundle.lease.record.startsAt + 60_000 }))).toContain(
    'the lease lasts as long as was ordered and reserved',
  )
})

test('an amendment that one side did not sign, was changed, left out or put elsewhere fails', () => {
  const [first, second] = bundle.amendments ?? []
  if (first === undefined || second === undefined) throw new Error('two amendments')
  const signed = 'provider and market signed each amendment of the lease'
  const follows = 'each amendment follows from the one before, at the price of the lease'
  expect(failed({ ...bundle, amendments: [first, { ...second, market: second.provider }] })).toEqual([signed])
  expect(failed({ ...bundle, amendments: [{ ...first, record: { ...first.record, slots: 9 } }] })).toEqual([
    signed,
    follows,
  ])
  expect(failed({ ...bundle, amendments: [second] })).toEqual([follows])
  expect(failed({ ...bundle, amendments: [first, first] })).toEqual([follows])
})

test('work that began after the lease had ended fails, unless it was made longer', () => {
  const late = bundle.lease.record.paidUntil + hourMs
  const claim = { ...bundle.claim, record: { ...bundle.claim.record, startedAt: late, endedAt: late } }
  const name = 'the work began while the lease lasted'
  expect(failed({ ...bundle, claim })).not.toContain(name)
  const { amendments: _, ...plain } = bundle
  expect(failed({ ...plain, claim })).toContain(name)
})

test('more slots than were ordered need a resize that the tenant signed', async () => {
  const { market: address, tenant: id } = bundle.order.record
  const more = { ...signedAgain({ slots: 5 }) }
  const wide: ReceiptBundle = {
    ...more,
    reservation: { ...more.reservation, record: { ...more.reservation.record, slots: 5 } },
  }
  const slots = 'no more slots were leased than reserved and ordered'
  const asked = 'who signed the order changed its slots'
  expect(failed(wide)).toContain(slots)
  const { order } = await muster.listLeases(bundle.lease.record.job)
  const record = { kind: 'resize', market: address, tenant: id, order, number: 1, slots: 5, issuedAt: 1 } as const
  const resize = signRecord(tenant, domain(), record)
  expect(failed({ ...wide, resize })).not.toContain(slots)
  expect(failed({ ...wide, resize })).not.toContain(asked)
  expect(failed({ ...wide, resize: { ...resize, record: { ...record, slots: 6 } } })).toContain(asked)
  expect(failed({ ...wide, resize: signRecord(signerNamed('a stranger'), domain(), record) })).toContain(asked)
})

test('a resize is signed here where a signer is given, and the market has it', async () => {
  const { id } = await muster.submitJob({ ...noopSpec(), lease: { kind: 'spot' } })
  expect(await muster.resizeJob(id, 3)).toMatchObject({ slots: 3, resizes: 1 })
  expect(await muster.resizeJob(id, 3)).toMatchObject({ slots: 3, resizes: 1 })
  const [resize] = market.network.require(id).job.resizes
  expect(resize === undefined || createVerifier(nobleSecp256k1).signerOf(domain(), resize)).toBe(tenant.address)
  expect(toJson(resize)).toContain('"number":1')
})
