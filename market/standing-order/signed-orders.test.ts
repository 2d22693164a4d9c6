import {
  commitSpec,
  createSigner,
  digestOf,
  jobSpecSchema,
  loadSecp256k1,
  newId,
  signRecord,
  toHex,
  toJson,
  type Hex,
  type Order,
  type StandingOrderView,
  type TenantId,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { problemOf, type Tenant } from '../rehearsal/rehearse.ts'
import { hour, setUp, read, show, eventsOf, until, isEnded } from './stage-standing-orders.ts'

describe('a tenant that signs its own orders', async () => {
  const secp256k1 = await loadSecp256k1()
  const signer = createSigner(secp256k1, new Uint8Array(32).fill(0x77))
  const nameSalt: Hex = `0x${'5a'.repeat(32)}`

  const signs = async () => {
    const { stage, supply, spec: written } = await setUp()
    const made = await stage.admin('POST', '/v1/admin/tenants', { name: 'signs', address: signer.address })
    const { tenant, apiKey } = (await made.json()) as { tenant: TenantId; apiKey: string }
    await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'tenant', tenant }, amount: '100000' })
    const spec = jobSpecSchema.parse(written({ nameSalt }))
    const until = stage.world.now() + 24 * hour
    const sign = (change: Partial<Order> = {}) =>
      signRecord(signer, stage.market().domain, {
        kind: 'order',
        id: newId(stage.world, 'order'),
        market: stage.market().domain.market,
        tenant,
        custody: 'tenant',
        job: digestOf(commitSpec(spec, nameSalt)),
        slots: spec.slots,
        resources: spec.resources,
        runtime: spec.runtime,
        placement: spec.placement,
        award: spec.award,
        maxPrice: spec.maxPrice,
        ceiling: spec.ceiling,
        nonce: toHex(stage.world.random(16)),
        issuedAt: stage.world.now(),
        expiresAt: until,
        ...change,
      } satisfies Order)
    const request: Tenant['request'] = async (method, path, body) =>
      stage.app().request(path, {
        method,
        headers: { authorization: `Bearer ${apiKey}` },
        ...(body === undefined ? {} : { body: toJson(body) }),
      })
    const place = (orders: readonly unknown[], times = orders.length, terms = {}) =>
      request('POST', '/v1/standing-orders', { spec, terms: { until, times, ...terms }, orders })
    return { stage, supply, sign, place, until, tenant: { id: tenant, request } as Tenant }
  }

  test('signs one for each job beforehand, and each is used once, in turn', async () => {
    const { stage, supply, sign, place, tenant } = await signs()
    const orders = [sign(), sign()]
    const order = await read<StandingOrderView>(await place(orders))
    await supply()
    await until(stage, tenant, order, isEnded)
    const jobs = (await eventsOf(tenant, order)).flatMap((event) => (event.type === 'ran' ? [event.job] : []))
    expect(jobs).toEqual(orders.map(({ record }) => record.id.replace('ord_', 'job_')))
    expect(await show(tenant, order)).toMatchObject({ ended: 'done', runs: 2, charged: '400' })
    expect(await problemOf(await place(orders))).toMatchObject({ code: 'order_replayed' })
  })

  test.each<[string, (given: Awaited<ReturnType<typeof signs>>) => Promise<Response>, string]>([
    ['fewer than jobs', ({ place, sign }) => place([sign()], 2), 'spec_invalid'],
    ['none', ({ place }) => place([], 1), 'spec_invalid'],
    ['the same twice', ({ place, sign }) => twice(place, sign()), 'order_replayed'],
    [
      'one that ends before the standing order',
      ({ place, sign, until: end }) => place([sign({ expiresAt: end - 1 })]),
      'spec_invalid',
    ],
    ['one of another spec', ({ place, sign }) => place([sign({ job: digestOf('other') })]), 'record_invalid'],
    ['one of another ceiling', ({ place, sign }) => place([sign({ ceiling: 1n })]), 'record_invalid'],
    ['one that is expired', ({ place, sign }) => place([sign({ expiresAt: 1 })]), 'record_expired'],
  ])('%s is refused', async (_, send, code) => {
    const given = await signs()
    expect(await problemOf(await send(given))).toMatchObject({ code })
  })

  const twice = (place: (orders: readonly unknown[]) => Promise<Response>, order: unknown) => place([order, order])

  test('one that somebody else signed is refused', async () => {
    const { stage, place, sign } = await signs()
    const other = createSigner(secp256k1, new Uint8Array(32).fill(0x78))
    const forged = signRecord(other, stage.market().domain, sign().record)
    expect(await problemOf(await place([forged]))).toMatchObject({ code: 'signature_invalid' })
  })
})
