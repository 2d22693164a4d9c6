import {
  cidOf,
  createLog,
  idPrefixes,
  MusterError,
  newId,
  routes,
  stakeAccount,
  tenantAccount,
  type Problem,
  type Route,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const hello = bytesOf('hello, market')

describe('uploads and downloads', () => {
  const setUp = async (maxBlobBytes = 1_024) => {
    const stage = await rehearse({ market: { maxBlobBytes } })
    return { stage, tenant: await stage.tenant(100_000n) }
  }

  test('a blob is uploaded and read back, whole or a range of it', async () => {
    const { tenant } = await setUp()
    const cid = cidOf(hello)
    expect(await (await tenant.upload(cid, hello)).json()).toEqual({ cid, bytes: hello.length })
    const get = (range?: string) =>
      tenant.request('GET', `/v1/blobs/${cid}`, undefined, range === undefined ? {} : { range })
    const whole = await get()
    expect(whole.status).toBe(200)
    expect(await whole.text()).toBe('hello, market')
    for (const [range, status, text] of [
      ['bytes=0-4', 206, 'hello'],
      ['bytes=7-', 206, 'market'],
      ['bytes=-6', 206, 'market'],
      ['bytes=7-900', 206, 'market'],
      ['bytes=900-', 200, 'hello, market'],
      ['lines=1-2', 200, 'hello, market'],
    ] as const) {
      const response = await get(range)
      expect([range, response.status, await response.text()]).toEqual([range, status, text])
    }
    expect((await get('bytes=0-4')).headers.get('content-range')).toBe(`bytes 0-4/${hello.length}`)
  })

  test('a blob that is not what it is called is refused', async () => {
    const { stage, tenant } = await setUp()
    const cid = cidOf(bytesOf('something else'))
    expect(await problemOf(await tenant.upload(cid, hello))).toMatchObject({
      status: 422,
      code: 'blob_corrupt',
      facts: { expected: cid, found: cidOf(hello) },
      retry: 'now',
    })
    expect(await stage.blobs.size(cid)).toBeUndefined()
    expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  })

  test('an upload of three times the limit is refused by its length, before its bytes are read', async () => {
    const { stage, tenant } = await setUp()
    const response = await stage.app().request(`/v1/blobs/${cidOf(hello)}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-length': '3072' },
      body: new ReadableStream({ pull: () => Promise.reject(new Error('nobody should read this')) }),
      duplex: 'half',
    } as RequestInit)
    expect(await problemOf(response)).toMatchObject({
      status: 413,
      code: 'blob_too_large',
      facts: { expected: 'at most 1024 bytes' },
    })
  })

  test('an upload that does not say its length is refused where it passes the limit', async () => {
    const { stage, tenant } = await setUp()
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 100
        controller.enqueue(new Uint8Array(100))
      },
    })
    const response = await stage.app().request(`/v1/blobs/${cidOf(hello)}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${tenant.apiKey}` },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(await problemOf(response)).toMatchObject({ status: 413, code: 'blob_too_large' })
    expect(sent).toBeLessThan(2_000)
    expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  })

  test('an upload to a full disk is refused and may be tried later', async () => {
    const full = () =>
      Promise.reject(new MusterError({ code: 'disk_full', message: 'The disk is full.', fault: 'market' }))
    const stage = await rehearse({ wrapBlobs: (blobs) => ({ ...blobs, putStream: full }) })
    const tenant = await stage.tenant()
    expect(await problemOf(await tenant.upload(cidOf(hello), hello))).toMatchObject({
      status: 507,
      code: 'disk_full',
      retry: 'later',
    })
    expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  })

  test('a blob that is not there, or a name that is none, is not found', async () => {
    const { tenant } = await setUp()
    expect(await problemOf(await tenant.request('GET', `/v1/blobs/${cidOf(hello)}`))).toMatchObject({
      status: 404,
      code: 'blob_missing',
    })
    expect(await problemOf(await tenant.request('GET', '/v1/blobs/nonsense'))).toMatchObject({ code: 'not_found' })
  })
})

describe('who may call', () => {
  test.each([
    ['no key', {}],
    ['an unknown key', { authorization: 'Bearer mk_unknown_unknown' }],
    ['a key in the wrong form', { authorization: 'Basic bWU6bWU=' }],
  ])('%s is refused', async (_, headers) => {
    const stage = await rehearse()
    const response = await stage.app().request('/v1/account', { headers })
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await problemOf(response)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  test('a second key works, and neither after it is revoked', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant()
    const made = (await (await tenant.request('POST', '/v1/keys', { name: 'second' })).json()) as {
      key: string
      apiKey: string
    }
    const ask = () => stage.app().request('/v1/account', { headers: { authorization: `Bearer ${made.apiKey}` } })
    expect((await ask()).status).toBe(200)
    expect((await tenant.request('DELETE', `/v1/keys/${made.key}`)).status).toBe(200)
    expect(await problemOf(await tenant.request('DELETE', `/v1/keys/${made.key}`))).toMatchObject({ status: 404 })
    await stage.world.advance(5_001)
    expect((await ask()).status).toBe(401)
    expect((await tenant.request('GET', '/v1/account')).status).toBe(200)
    const stranger = await stage.tenant()
    const theirs = (await (await stranger.request('POST', '/v1/keys', { name: 'k' })).json()) as { key: string }
    expect((await tenant.request('DELETE', `/v1/keys/${theirs.key}`)).status).toBe(404)
  })

  test('only the operator creates tenants and books deposits', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant(0n)
    const to = { account: 'tenant', tenant: tenant.id }
    for (const path of ['/v1/admin/tenants', '/v1/admin/deposits']) {
      const response = await tenant.request('POST', path, { to, amount: '5', name: 'mine' })
      expect(await problemOf(response)).toMatchObject({ status: 401 })
    }
    expect(
      (await stage.app().request('/v1/account', { headers: { authorization: `Bearer ${adminKey}` } })).status,
    ).toBe(401)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(0n)
  })
})

describe('deposits', () => {
  test('go to a balance or a stake, and the account shows what is in escrow', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant(7_000n)
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 1_000 })
    const { id } = await tenant.submit(noopSpec(2))
    expect(await (await tenant.request('GET', '/v1/account')).json()).toMatchObject({
      tenant: tenant.id,
      custody: 'market',
      balance: '5000',
      escrow: '2000',
    })
    expect(await stage.balance(stakeAccount(agent.address))).toBeLessThan(1_000_000_000n)
    await stage.closed(tenant, id)
    expect(await (await stage.app().request(`/v1/providers/${agent.address}`)).json()).toMatchObject({
      linked: true,
      stake: '1000000000',
      earnings: '200',
    })
    await stage.audit(id)
  })

  test('past what a market can hold are refused', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant(1n)
    const to = { account: 'tenant', tenant: tenant.id }
    const deposit = (amount: bigint) => stage.admin('POST', '/v1/admin/deposits', { to, amount: amount.toString() })
    expect((await deposit(2n ** 61n)).status).toBe(201)
    expect(await problemOf(await deposit(2n ** 63n - 1n))).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(2n ** 61n + 1n)
    await stage.audit()
  })

  test('that are repeated with their idempotency key are booked once', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant(1n)
    const to = { account: 'tenant', tenant: tenant.id }
    const deposit = (amount: string, key: string) =>
      stage.app().request('/v1/admin/deposits', {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'idempotency-key': key },
        body: JSON.stringify({ to, amount }),
      })
    const key = newId(stage.world, 'entry')
    const answers = await Promise.all([deposit('5', key), deposit('5', key)])
    for (const answer of answers) expect([answer.status, await answer.json()]).toEqual([201, { balance: '6' }])
    expect(await problemOf(await deposit('9', key))).toMatchObject({ status: 409, code: 'conflict' })
    expect(await problemOf(await deposit('5', 'SEPA 17'))).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(6n)
    await stage.audit()
  })

  test.each([
    ['a negative amount', { account: 'tenant', tenant: 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRS' }, '-5', 400],
    ['an unknown tenant', { account: 'tenant', tenant: 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRS' }, '5', 404],
    ['no account', { account: 'escrow' }, '5', 400],
  ])('of %s are refused', async (_, to, amount, status) => {
    const stage = await rehearse()
    expect((await stage.admin('POST', '/v1/admin/deposits', { to, amount })).status).toBe(status)
    await stage.audit()
  })
})

describe('what would fit', () => {
  const demand = {
    slots: 1,
    resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0 },
    runtime: 'noop',
    placement: {},
    maxPrice: { nanoUsd: '1000', per: 'task' },
  }
  const setUp = async () => {
    const stage = await rehearse({ stake: 0n, market: { bondUsdPerSlot: '0.01' } })
    const match = async () => {
      const response = await stage.app().request('/v1/offers/match', { method: 'POST', body: JSON.stringify(demand) })
      return (await response.json()) as { slots: number; offers: { record: { provider: string } }[]; problem: Problem }
    }
    const putUp = async (provider: string, amount: string) => {
      await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'stake', provider }, amount })
      await stage.world.advance(1_001)
    }
    return { stage, match, putUp }
  }

  test('leaves out whose stake covers no bond, and names that as the reason', async () => {
    const { stage, match, putUp } = await setUp()
    const poor = await stage.agent({ key: 1, slots: 8, nanoUsd: 100n })
    const found = await match()
    expect(found).toMatchObject({ slots: 0, offers: [], problem: { code: 'nothing_fits' } })
    expect(found.problem.message).toContain('stake: expected enough for the bond of a slot')
    expect(found.problem.facts['nearest']).toMatchObject([
      { provider: poor.address, failed: [{ requirement: 'stake' }] },
    ])
    await putUp(poor.address, '25000000')
    expect(await match()).toMatchObject({ slots: 2, offers: [{ record: { provider: poor.address } }], problem: null })
  })

  test('of a provider whose stake is tied up by the slots it has sold is busy', async () => {
    const { stage, match, putUp } = await setUp()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 60_000 })
    await putUp(agent.address, '20000000')
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(2))
    await stage.world.advance(1_001)
    agent.publish()
    await stage.world.advance(1_001)
    expect((await match()).problem.message).toContain('1 of 1 offers fit, and all their slots are taken')
    await stage.closed(tenant, id)
  })

  test('is read from the store once a second, whoever asks', async () => {
    let reads = 0
    const stage = await rehearse({
      wrapStore: (store) => ({
        ...store,
        ledger: {
          ...store.ledger,
          balances: (accounts) => {
            reads++
            return store.ledger.balances(accounts)
          },
        },
      }),
    })
    await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const ask = async () => stage.app().request('/v1/offers/match', { method: 'POST', body: JSON.stringify(demand) })
    await Promise.all(Array.from({ length: 20 }, ask))
    expect(reads).toBe(1)
    await stage.world.advance(1_001)
    await ask()
    expect(reads).toBe(2)
  })
})

test('a provider was last seen when something was last heard of it', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  const seen = async () => {
    const response = await stage.app().request(`/v1/providers/${agent.address}`)
    return ((await response.json()) as { lastSeenAt: number }).lastSeenAt - start
  }
  const start = stage.world.now()
  expect(await seen()).toBe(0)
  await stage.world.advance(40_000)
  agent.publish()
  await stage.world.advance(5_000)
  expect(await seen()).toBe(40_000)
  agent.cut()
  await stage.world.advance(5_000)
  expect(await seen()).toBe(45_000)
})

describe('every answer, good or bad,', () => {
  const headersOf = (response: Response) =>
    ['cache-control', 'x-content-type-options', 'access-control-allow-origin'].map((name) => response.headers.get(name))
  const expected = ['no-store', 'nosniff', null]

  const setUp = async () => {
    const stage = await rehearse()
    await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await stage.tenant(100_000n)
    return { stage, tenant }
  }

  test.each(Object.entries<Route>(routes))(
    'of %s is kept in no cache that it does not allow and guessed at by no browser',
    async (_, route) => {
      const { stage, tenant } = await setUp()
      const path = route.path.replace(/\{\w+\}/g, 'nonsense')
      const key = route.auth === 'admin' ? adminKey : tenant.apiKey
      for (const authorization of [undefined, `Bearer ${key}`]) {
        const response = await stage.app().request(path, {
          method: route.method,
          headers: { origin: 'https://elsewhere.example', ...(authorization === undefined ? {} : { authorization }) },
          ...(route.body === null ? {} : { body: '{}' }),
        })
        const [cached, ...rest] = expected
        const allowed =
          response.ok && route.cacheSeconds !== undefined ? `public, max-age=${route.cacheSeconds}` : cached
        expect(headersOf(response)).toEqual([allowed, ...rest])
      }
    },
  )

  test('says so where it carries an account, a job, its events or a blob', async () => {
    const { stage, tenant } = await setUp()
    const cid = cidOf(hello)
    const uploaded = await tenant.upload(cid, hello)
    const { id } = await tenant.submit(noopSpec(1))
    await stage.closed(tenant, id)
    const read = await Promise.all(
      [
        '/v1/account',
        '/v1/jobs',
        `/v1/jobs/${id}`,
        `/v1/jobs/${id}/tasks`,
        `/v1/jobs/${id}/events`,
        `/v1/jobs/${id}/receipts`,
        `/v1/blobs/${cid}`,
        '/v1/market',
        '/v1/openapi.json',
        '/healthz',
        '/readyz',
        '/metrics',
      ].map((path) => tenant.request('GET', path)),
    )
    for (const response of [uploaded, ...read]) {
      expect([response.url, response.ok]).toEqual([response.url, true])
      expect(headersOf(response)).toEqual(expected)
      await response.text()
    }
  })

  test('also where a browser asks before it calls, which it may not', async () => {
    const { stage } = await setUp()
    const headers = { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' }
    const response = await stage.app().request('/v1/jobs', { method: 'OPTIONS', headers })
    expect([response.status, ...headersOf(response)]).toEqual([404, ...expected])
  })
})

describe('an error', () => {
  test('of an unknown route is a problem of its own', async () => {
    const stage = await rehearse()
    for (const [method, path] of [
      ['GET', '/v1/nothing'],
      ['DELETE', '/v1/jobs'],
      ['GET', '/v1/jobs/job_nonsense'],
    ] as const) {
      const response = await (await stage.tenant()).request(method, path)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
    }
  })

  test('inside the market is logged and says nothing to the caller', async () => {
    const lines: string[] = []
    const world = { now: () => 0 } as never
    const stage = await rehearse({
      log: createLog((line) => lines.push(line), world),
      wrapStore: (store) => ({
        ...store,
        jobs: { ...store.jobs, list: () => Promise.reject(new Error('password hunter2 at 10.0.0.7')) },
      }),
    })
    const tenant = await stage.tenant()
    const response = await tenant.request('GET', '/v1/jobs')
    const body = await response.clone().text()
    expect(await problemOf(response)).toMatchObject({ status: 500, code: 'internal', fault: 'market', facts: {} })
    expect(body).not.toContain('hunter2')
    expect(body).not.toContain('.ts')
    expect(lines.join('\n')).toContain('hunter2')
  })

  test('with an amount among its facts is still JSON', async () => {
    const stage = await rehearse({
      wrapStore: (store) => ({
        ...store,
        jobs: {
          ...store.jobs,
          list: () =>
            Promise.reject(
              new MusterError({ code: 'conflict', message: 'No.', facts: { found: 5n, all: [{ at: 2n ** 70n }] } }),
            ),
        },
      }),
    })
    const tenant = await stage.tenant()
    expect(await problemOf(await tenant.request('GET', '/v1/jobs'))).toMatchObject({
      status: 409,
      facts: { found: '5', all: [{ at: '1180591620717411303424' }] },
    })
  })

  test('of a store that is away is said to pass', async () => {
    const away = () =>
      Promise.reject(new MusterError({ code: 'unavailable', message: 'The database does not answer.' }))
    const stage = await rehearse({ wrapStore: (store) => ({ ...store, ping: away }) })
    expect(await problemOf(await stage.app().request('/readyz'))).toMatchObject({ status: 503, retry: 'later' })
    expect((await stage.app().request('/healthz')).status).toBe(200)
  })

  test('in a query names what was expected', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant()
    expect(await problemOf(await tenant.request('GET', '/v1/jobs?limit=many'))).toMatchObject({
      status: 400,
      code: 'request_invalid',
      facts: { issues: [{ path: 'query.limit', found: '"many"' }] },
    })
  })
})

test('a running market says how it is', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 1_000 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(3))
  await stage.world.advance(10)
  const app = stage.app()
  expect(await (await app.request('/healthz')).json()).toEqual({ ok: true })
  expect((await app.request('/readyz')).status).toBe(200)
  expect(await (await app.request('/v1/market')).json()).toMatchObject({
    address: stage.market().domain.market,
    linkedAgents: 1,
    now: stage.world.now(),
  })
  const metrics = await (await app.request('/metrics')).text()
  expect(metrics).toContain('muster_linked_agents 1')
  expect(metrics).toContain('muster_active_jobs 1')
  expect(metrics).toMatch(/muster_running_tasks [123]/)
  expect(metrics).toContain('muster_http_request_duration_seconds_bucket')
  const api = (await (await app.request('/v1/openapi.json')).json()) as { openapi: string; paths: object }
  expect(api.openapi).toBe('3.1.0')
  expect(Object.keys(api.paths)).toContain('/v1/jobs/{job}/events')
  const [start] = agent.starts
  const logs = await tenant.request('GET', `/v1/attempts/${start?.attempt ?? ''}/logs`)
  expect(await logs.json()).toEqual({ lines: [`log of ${start?.attempt ?? ''}`] })
  agent.cut()
  expect(await problemOf(await tenant.request('GET', `/v1/attempts/${start?.attempt ?? ''}/logs`))).toMatchObject({
    status: 503,
    code: 'unavailable',
  })
  for (const never of [`${id}.0.77`, `${id}.99.1`]) {
    expect(await problemOf(await tenant.request('GET', `/v1/attempts/${never}/logs`))).toMatchObject({
      status: 404,
      code: 'not_found',
      facts: { attempt: never },
    })
  }
  expect(id.startsWith(idPrefixes.job)).toBe(true)
})
