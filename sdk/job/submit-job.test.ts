import { createVerifier, digestOf, jobSpecSchema, nobleSecp256k1 } from '@muster/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { createMuster } from '../client/create-muster.ts'
import {
  fakeApiKey,
  noopSpec,
  signerNamed,
  startFakeMarket,
  type FakeMarket,
  type FakeMarketOptions,
} from '../fake/index.ts'

let market: FakeMarket
afterEach(() => market.close())
const start = async (options?: FakeMarketOptions) => {
  market = await startFakeMarket(options)
}
const clientOf = (name?: string) =>
  createMuster({
    url: market.url,
    apiKey: fakeApiKey,
    signer: name === undefined ? undefined : signerNamed(name),
    retry: { firstDelayMs: 1, maxDelayMs: 5 },
  })

describe('submitJob', () => {
  test('signs the order with the key of the tenant', async () => {
    const tenant = signerNamed('tenant')
    await start({ tenantAddress: tenant.address })
    const { id } = await clientOf('tenant').submitJob(noopSpec())
    const { order, spec } = market.network.require(id).job
    expect(order.record).toMatchObject({ custody: 'tenant', tenant: market.network.tenant, job: digestOf(spec) })
    const domain = { chainId: 31_337, market: market.network.market }
    expect(createVerifier(nobleSecp256k1).signerOf(domain, order)).toBe(tenant.address)
  })

  test('leaves the signature to the market where it is given no key', async () => {
    await start()
    const { id } = await clientOf().submitJob(noopSpec())
    expect(market.network.require(id).job.order.record.custody).toBe('market')
    expect(market.calls).toEqual(['submitJob'])
  })

  test('submits once though the answer to the first try was lost', async () => {
    await start()
    market.fail('submitJob', { type: 'lose' }, { type: 'drop' })
    const view = await clientOf().submitJob(noopSpec())
    expect(market.calls).toEqual(['submitJob', 'submitJob', 'submitJob'])
    expect([...market.network.jobs.keys()]).toEqual([view.id])
    expect(new Set(market.seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  test('asks again for the job of a try that was thought lost', async () => {
    await start()
    const body = JSON.stringify({ code: 'order_replayed', message: 'Used before.', fault: 'tenant', retry: 'never' })
    market.fail('submitJob', { type: 'lose' }, { type: 'answer', status: 409, body })
    const view = await clientOf().submitJob(noopSpec())
    expect([...market.network.jobs.keys()]).toEqual([view.id])
  })

  test('makes no call for a spec that is wrong', async () => {
    await start()
    await expect(clientOf('tenant').submitJob({ ...noopSpec(), slots: 0 })).rejects.toMatchObject({
      code: 'spec_invalid',
      facts: { issues: [{ path: 'slots', expected: 'at least 1', found: '0' }] },
    })
    expect(market.calls).toEqual([])
  })

  test('refuses to sign with a key that is not the account’s, or for another market', async () => {
    await start({ tenantAddress: signerNamed('tenant').address })
    await expect(clientOf('somebody').submitJob(noopSpec())).rejects.toMatchObject({
      code: 'signature_invalid',
      fault: 'tenant',
    })
    const elsewhere = createMuster({ url: market.url, apiKey: fakeApiKey, signer: signerNamed('tenant'), chainId: 1 })
    await expect(elsewhere.submitJob(noopSpec())).rejects.toMatchObject({ code: 'signature_invalid', fault: 'market' })
    expect(market.network.jobs.size).toBe(0)
  })

  test('says which requirement the nearest offers fail', async () => {
    await start()
    const spec = jobSpecSchema.parse({ ...noopSpec(), maxPrice: { nanoUsd: 1, per: 'task' } })
    await expect(clientOf().submitJob(spec)).rejects.toMatchObject({
      code: 'nothing_fits',
      facts: { nearest: [{ failed: [{ requirement: 'price.per' }] }, { failed: [{ requirement: 'price' }] }] },
    })
    expect(market.calls).toEqual(['submitJob'])
  })
})
