import {
  commitSpec,
  createSigner,
  digestOf,
  earningsAccount,
  jobSpecSchema,
  loadSecp256k1,
  maxClockSkewMs,
  MusterError,
  newId,
  signRecord,
  tenantAccount,
  toHex,
  toJson,
  type Hex,
  type JobSpec,
  type JobView,
  type Order,
  type SignedOrder,
  type TenantId,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf, rehearse, type Rehearsal } from '../rehearsal/rehearse.ts'

const start = async (market = {}) => {
  const stage = await rehearse({ market })
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  return { stage, agent, tenant: await stage.tenant(100_000n) }
}

const requireUntouched = async (stage: Rehearsal, tenant: { readonly id: TenantId }) => {
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n)
  expect(await stage.store().jobs.list({ tenant: tenant.id, limit: 10 })).toEqual([])
  expect(stage.market().modules.jobs.count()).toBe(0)
  await stage.audit()
}

interface Issue {
  readonly path: string
  readonly expected: string
  readonly found: string
}

describe('a spec that is wrong', () => {
  test('is refused with path, expected and found of every error at once, and nothing is charged', async () => {
    const { stage, tenant } = await start()
    const spec = noopSpec(2, {
      name: 'No Good Name',
      slots: '2',
      resources: { cpuMilli: 0, memoryBytes: 1024 },
      maxPrice: { nanoUsd: '-5', per: 'day' },
      colour: 'blue',
      tasks: [{ inputs: [{ name: 'x', cid: 'nonsense' }] }],
    })
    const problem = await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))
    expect(problem).toMatchObject({ status: 400, code: 'spec_invalid', fault: 'tenant', retry: 'never' })
    const issues = problem.facts['issues'] as Issue[]
    expect(Object.fromEntries(issues.map(({ path, found }) => [path, found]))).toEqual({
      'spec.name': '"No Good Name"',
      'spec.slots': '"2"',
      'spec.resources.cpuMilli': '0',
      'spec.resources.diskBytes': 'nothing',
      'spec.maxPrice.nanoUsd': '"-5"',
      'spec.maxPrice.per': '"day"',
      'spec.tasks.0.inputs.0.cid': '"nonsense"',
      spec: expect.any(String),
    })
    expect(issues.find(({ path }) => path === 'spec')?.expected).toBe('no field named colour')
    expect(issues.find(({ path }) => path === 'spec.maxPrice.per')?.expected).toBe('"task" or "operator" or "hour"')
    expect(problem.message).toContain('(and 7 more). Nothing was charged.')
    await requireUntouched(stage, tenant)
  })

  test('beyond its schema is refused the same way', async () => {
    const { stage, tenant } = await start()
    const spec = noopSpec(3, { ceiling: '2999' })
    const problem = await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))
    expect(problem).toMatchObject({
      code: 'spec_invalid',
      facts: { issues: [{ path: 'spec.ceiling', expected: expect.stringContaining('3000'), found: '2999' }] },
    })
    expect(problem.facts['issues']).toMatchObject([{ expected: 'at least 3000 nano-dollars, what all tasks may cost' }])
    expect(problem.message).toBe(
      'The spec is wrong at spec.ceiling: expected at least $0.000003, what all tasks may cost, found $0.000002999. Nothing was charged.',
    )
    const byHour = noopSpec(1, { maxPrice: { nanoUsd: '1', per: 'hour' } })
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: byHour }))).toMatchObject({
      code: 'spec_invalid',
      facts: { issues: [{ path: 'spec.maxPrice.per', found: 'hour' }] },
    })
    await requireUntouched(stage, tenant)
  })

  test.each([
    ['{"spec":', 'request_invalid'],
    ['[]', 'spec_invalid'],
    ['null', 'spec_invalid'],
    ['"text"', 'spec_invalid'],
  ])('as %s is refused', async (body, code) => {
    const { stage, tenant } = await start()
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', body))).toMatchObject({ status: 400, code })
    await requireUntouched(stage, tenant)
  })
})

describe('a job', () => {
  test('dearer than the balance is refused and nothing is charged', async () => {
    const { stage, tenant } = await start()
    const spec = noopSpec(2, { ceiling: '100001' })
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))).toMatchObject({
      status: 402,
      code: 'insufficient_funds',
      message: 'The balance holds $0.0001, and this needs $0.000100001; nothing was moved.',
      facts: { expected: '100001', found: '100000' },
    })
    await requireUntouched(stage, tenant)
  })

  test('that nothing fits names a missing stake beside what else an offer lacks', async () => {
    const stage = await rehearse({ stake: 0n })
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await stage.tenant(100_000n)
    const spec = noopSpec(1, { maxPrice: { nanoUsd: '99', per: 'task' } })
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))).toMatchObject({
      code: 'nothing_fits',
      facts: {
        nearest: [{ provider: agent.address, failed: [{ requirement: 'price' }, { requirement: 'stake' }] }],
      },
    })
    await requireUntouched(stage, tenant)
  })

  test('that names blobs the market does not hold is refused with their names', async () => {
    const { stage, tenant } = await start()
    const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
    const spec = noopSpec(1, { tasks: [{ inputs: [{ name: 'x', cid }] }] })
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))).toMatchObject({
      status: 404,
      code: 'blob_missing',
      facts: { missing: [cid], count: 1 },
    })
    await requireUntouched(stage, tenant)
  })

  test('sent again with its idempotency key is one job, at once or later', async () => {
    const { stage, tenant } = await start()
    const headers = { 'idempotency-key': newId(stage.world, 'order') }
    const [first, second] = await Promise.all([
      tenant.submit(noopSpec(1), headers),
      tenant.submit(noopSpec(1), headers),
    ])
    expect(second.id).toBe(first.id)
    await stage.closed(tenant, first.id)
    expect((await tenant.submit(noopSpec(1), headers)).id).toBe(first.id)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(99_900n)
    const problem = await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(2) }, headers))
    expect(problem).toMatchObject({ status: 409, code: 'conflict' })
    const stranger = await stage.tenant()
    const stolen = await problemOf(await stranger.request('POST', '/v1/jobs', { spec: noopSpec(1) }, headers))
    expect(stolen).toMatchObject({ status: 409, code: 'order_replayed' })
    await stage.audit()
  })

  test('with a key that is none is refused', async () => {
    const { stage, tenant } = await start()
    const response = await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) }, { 'idempotency-key': 'mine' })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'request_invalid' })
    await requireUntouched(stage, tenant)
  })
})

describe('an order signed by its tenant', async () => {
  const secp256k1 = await loadSecp256k1()
  const signer = createSigner(secp256k1, new Uint8Array(32).fill(0x77))
  const other = createSigner(secp256k1, new Uint8Array(32).fill(0x78))

  const setUp = async () => {
    const { stage, agent } = await start()
    const made = await stage.admin('POST', '/v1/admin/tenants', { name: 'signs', address: signer.address })
    const { tenant, apiKey, address } = (await made.json()) as { tenant: TenantId; apiKey: string; address: string }
    expect(address).toBe(signer.address)
    await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'tenant', tenant }, amount: '100000' })
    const nameSalt: Hex = `0x${'5a'.repeat(32)}`
    const spec: JobSpec = jobSpecSchema.parse(noopSpec(1, { nameSalt }))
    const order = (change: Partial<Order> = {}): Order => ({
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
      expiresAt: stage.world.now() + 60_000,
      ...change,
    })
    const sign = (record: Order, by = signer): SignedOrder => signRecord(by, stage.market().domain, record)
    const call = (body: string, headers: Record<string, string> = {}) =>
      stage.app().request('/v1/jobs', {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, ...headers },
        body,
      })
    const send = (signed: SignedOrder | undefined, headers: Record<string, string> = {}) =>
      call(toJson({ spec, order: signed }), headers)
    return { call, stage, agent, tenant: { id: tenant }, order, sign, send }
  }

  test('needs the salt of the name it commits to', async () => {
    const { stage, order, sign, tenant, call } = await setUp()
    const problem = await problemOf(await call(toJson({ spec: noopSpec(1), order: sign(order()) })))
    expect(problem).toMatchObject({ status: 400, code: 'spec_invalid', facts: { issues: [{ path: 'spec.nameSalt' }] } })
    await requireUntouched(stage, tenant)
  })

  test('makes a job', async () => {
    const { stage, order, sign, send, tenant } = await setUp()
    const response = await send(sign(order()))
    expect(response.status).toBe(201)
    await stage.world.until(() => stage.market().modules.jobs.count() === 0)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(99_900n)
    await stage.audit(((await response.json()) as JobView).id)
  })

  test('that expires before a machine takes it closes its job, says why, refunds it, and is asked of no agent again', async () => {
    const { stage, agent, tenant, order, sign, send } = await setUp()
    const asked = () => agent.calls.filter((call) => call === 'reserve').length
    agent.script = {
      reserve: () => {
        throw new MusterError({ code: 'capacity_taken', message: 'Taken.' })
      },
    }
    const { id } = (await (await send(sign(order()))).json()) as JobView
    await stage.world.advance(59_000)
    expect(asked()).toBeGreaterThan(0)
    expect((await stage.store().jobs.get(id))?.phase).toBe('active')
    await stage.world.advance(3_000)
    expect((await stage.store().jobs.get(id))?.phase).toBe('failed')
    const events = (await stage.store().readEvents(id, { from: 0, limit: 100 })).map(({ event }) => event)
    expect(events.find(({ type }) => type === 'abandoned')).toMatchObject({
      tasks: [0],
      problem: { code: 'record_expired', fault: 'tenant' },
    })
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n)
    const before = asked()
    await stage.world.advance(600_000)
    expect(asked()).toBe(before)
    await stage.audit(id)
  })

  const wrong: readonly (readonly [string, Partial<Order>, string])[] = [
    ['that has expired', { expiresAt: 1 }, 'record_expired'],
    ['that is valid for years', { expiresAt: 8_000_000_000_000 }, 'record_expired'],
    ['for another spec', { job: digestOf('another') }, 'record_invalid'],
    ['with another ceiling', { ceiling: 5n }, 'record_invalid'],
    ['with another price', { maxPrice: { nanoUsd: 5n, per: 'task' } }, 'record_invalid'],
    ['for another market', { market: `0x${'8'.repeat(40)}` as never }, 'record_invalid'],
    ['of another tenant', { tenant: 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRS' as never }, 'record_invalid'],
    ['that says the market keeps its key', { custody: 'market' }, 'record_invalid'],
  ]
  test.each(wrong)('%s is refused', async (_, change, code) => {
    const { stage, tenant, order, sign, send } = await setUp()
    expect(await problemOf(await send(sign(order(change))))).toMatchObject({ status: 400, code, fault: 'tenant' })
    await requireUntouched(stage, tenant)
  })

  test('on a clock two minutes ahead is refused and says so', async () => {
    const { stage, tenant, order, sign, send } = await setUp()
    const issuedAt = stage.world.now() + Math.max(120_000, maxClockSkewMs + 1)
    const problem = await problemOf(await send(sign(order({ issuedAt, expiresAt: issuedAt + 60_000 }))))
    expect(problem).toMatchObject({ status: 400, code: 'clock_skewed', fault: 'tenant' })
    expect(problem.message).toContain('clock')
    await requireUntouched(stage, tenant)
  })

  test('by an unknown key, or altered, is refused', async () => {
    const { stage, tenant, order, sign, send } = await setUp()
    expect(await problemOf(await send(sign(order(), other)))).toMatchObject({ status: 400, code: 'signature_invalid' })
    const signed = sign(order())
    const altered = { ...signed, record: { ...signed.record, nonce: toHex(new Uint8Array(16)) } }
    expect(await problemOf(await send(altered))).toMatchObject({ code: 'signature_invalid' })
    await requireUntouched(stage, tenant)
  })

  test('missing is refused: the market does not sign for a tenant that has a key', async () => {
    const { stage, tenant, send } = await setUp()
    expect(await problemOf(await send(undefined))).toMatchObject({ status: 400, code: 'signature_invalid' })
    await requireUntouched(stage, tenant)
  })

  test('is used once: replayed it is refused, with its idempotency key it is the same job', async () => {
    const { stage, tenant, order, sign, send } = await setUp()
    const signed = sign(order())
    const { id } = (await (await send(signed)).json()) as JobView
    expect(await problemOf(await send(signed))).toMatchObject({ status: 409, code: 'order_replayed' })
    const again = await send(signed, { 'idempotency-key': signed.record.id })
    expect(((await again.json()) as JobView).id).toBe(id)
    await stage.world.until(() => stage.market().modules.jobs.count() === 0)
    await stage.restart()
    expect(await problemOf(await send(signed))).toMatchObject({ code: 'order_replayed' })
    const both = sign(order())
    await stage.agent({ key: 3, slots: 2, nanoUsd: 100n })
    const answers = await Promise.all([send(both), send(both), send(both)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    await stage.world.until(() => stage.market().modules.jobs.count() === 0)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(99_800n)
    await stage.audit()
  })

  test('is refused of a tenant whose key is not known', async () => {
    const { stage, order, sign } = await setUp()
    const tenant = await stage.tenant(100_000n)
    const signed = sign(order({ tenant: tenant.id }))
    const problem = await problemOf(
      await tenant.request('POST', '/v1/jobs', {
        spec: noopSpec(1, { nameSalt: `0x${'5a'.repeat(32)}` }),
        order: signed,
      }),
    )
    expect(problem).toMatchObject({ status: 400, code: 'record_invalid' })
    await requireUntouched(stage, tenant)
  })
})

test('the store answers while a job is submitted, but not that it took it: the call is repeated and makes one job', async () => {
  const { stage, tenant } = await start()
  const { MusterError } = await import('@muster/protocol')
  stage.fault = (point) => {
    if (point !== 'after-commit') return
    stage.fault = undefined
    throw new MusterError({ code: 'unavailable', message: 'The connection broke.', facts: { outcome: 'unknown' } })
  }
  const headers = { 'idempotency-key': newId(stage.world, 'order') }
  const broken = await tenant.request('POST', '/v1/jobs', { spec: noopSpec(2) }, headers)
  expect([201, 503]).toContain(broken.status)
  const { id } = await tenant.submit(noopSpec(2), headers)
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '200' })
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(99_800n)
  await stage.audit(id)
})

test('the disk of the store is full: the job is refused, nothing is charged, and later it is taken', async () => {
  const { stage, tenant } = await start()
  const { MusterError } = await import('@muster/protocol')
  stage.fault = () => {
    throw new MusterError({ code: 'disk_full', message: 'The disk of the database is full.' })
  }
  const refused = await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(2) }))
  expect(refused).toMatchObject({ status: 507, code: 'disk_full', retry: 'later' })
  stage.fault = undefined
  await requireUntouched(stage, tenant)
  const { id } = await tenant.submit(noopSpec(2))
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
  await stage.audit(id)
})

test('a tenant’s jobs are listed newest first, and only its own', async () => {
  const { stage, tenant } = await start()
  const ids = []
  for (let i = 0; i < 3; i++) {
    await stage.world.advance(10)
    ids.unshift((await tenant.submit(noopSpec(1))).id)
  }
  const stranger = await stage.tenant()
  const list = async (query: string, of = tenant) =>
    ((await (await of.request('GET', `/v1/jobs${query}`)).json()) as { jobs: JobView[] }).jobs.map(({ id }) => id)
  expect(await list('')).toEqual(ids)
  expect(await list('?limit=1')).toEqual(ids.slice(0, 1))
  expect(await list(`?before=${ids[0] ?? ''}`)).toEqual(ids.slice(1))
  expect(await list('', stranger)).toEqual([])
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/tasks'],
    ['GET', '/receipts'],
    ['POST', '/cancel'],
  ] as const) {
    expect(await problemOf(await stranger.request(method, `/v1/jobs/${ids[0] ?? ''}${path}`))).toMatchObject({
      status: 404,
      code: 'not_found',
    })
  }
  const logs = await stranger.request('GET', `/v1/attempts/${ids[0] ?? ''}.0.1/logs`)
  expect(await problemOf(logs)).toMatchObject({ status: 404 })
  expect(adminKey).not.toBe(tenant.apiKey)
  expect(await stage.balance(earningsAccount(`0x${'0'.repeat(40)}` as never))).toBe(0n)
})
