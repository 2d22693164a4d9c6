import { MusterError } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createRateLimits, type RateLimits } from './rate-limits.ts'

const attempt = (limits: RateLimits, key: string): number | 'taken' => {
  try {
    limits.request(key)
    return 'taken'
  } catch (error) {
    if (error instanceof MusterError && error.code === 'rate_limited') return error.retryAfterMs ?? -1
    throw error
  }
}

describe('the limit of a key', () => {
  const rules = { requestsPerSecond: 10, burst: 5, bodyBytesPerSecond: 0 }

  test('whatever the calls, no stretch of time has more than the burst and the rate, and waiting as told is enough', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b'), waitMs: fc.nat({ max: 400 }) }), { maxLength: 120 }),
        async (calls) => {
          const world = createVirtualWorld()
          const limits = createRateLimits(rules, world)
          const taken = new Map<string, number[]>([
            ['a', []],
            ['b', []],
          ])
          for (const { key, waitMs } of calls) {
            await world.advance(waitMs)
            const answer = attempt(limits, key)
            if (answer === 'taken') taken.get(key)?.push(world.elapsed())
            else {
              expect(answer).toBeGreaterThan(0)
              await world.advance(answer)
              expect(attempt(limits, key)).toBe('taken')
              taken.get(key)?.push(world.elapsed())
            }
          }
          for (const times of taken.values()) {
            times.forEach((from, first) =>
              times.slice(first).forEach((to, more) => {
                const most = rules.burst + ((to - from) / 1_000) * rules.requestsPerSecond
                expect(more + 1).toBeLessThanOrEqual(most + 1e-6)
              }),
            )
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  test('keys do not share it, and any number of keys takes bounded memory', () => {
    const limits = createRateLimits(rules, createVirtualWorld())
    for (let call = 0; call < 5; call++) expect(attempt(limits, 'a')).toBe('taken')
    expect(attempt(limits, 'a')).toBe(100)
    expect(attempt(limits, 'b')).toBe('taken')
    expect(limits.standing('a')).toEqual({ limit: 5, remaining: 0, resetSeconds: 1 })
    for (let key = 0; key < 9_998; key++) attempt(limits, `key ${key}`)
    expect(attempt(limits, 'a')).toBe(100)
    for (let key = 0; key < 10_000; key++) attempt(limits, `other ${key}`)
    expect(limits.standing('a')).toBeUndefined()
  })

  test('0 is no limit', () => {
    const limits = createRateLimits({ ...rules, requestsPerSecond: 0 }, createVirtualWorld())
    for (let call = 0; call < 1_000; call++) expect(attempt(limits, 'a')).toBe('taken')
    expect(limits.standing('a')).toBeUndefined()
  })

  test('a body may go past its share once, and what follows waits until that is made up for', async () => {
    const world = createVirtualWorld()
    const limits = createRateLimits({ ...rules, bodyBytesPerSecond: 100 }, world)
    limits.requireBodyRoom('a')
    limits.body('a', 1_000)
    expect(() => limits.requireBodyRoom('a')).toThrow(expect.objectContaining({ retryAfterMs: 6_010 }))
    limits.requireBodyRoom('b')
    await world.advance(6_010)
    limits.requireBodyRoom('a')
  })
})

describe('over HTTP', () => {
  test('a key past its limit is told when to come back, in a problem and in headers', async () => {
    const stage = await rehearse({ market: { keyRequestsPerSecond: 2, keyRequestBurst: 3 } })
    const tenant = await stage.tenant()
    await stage.world.advance(1_000)
    const other = await stage.tenant()
    const ask = () => tenant.request('GET', '/v1/account')
    const headers = ({ headers: all }: Response) =>
      ['limit', 'remaining', 'reset'].map((name) => all.get(`ratelimit-${name}`))
    expect(headers(await ask())).toEqual(['3', '2', '1'])
    await ask()
    await ask()
    const refused = await ask()
    expect(headers(refused)).toEqual(['3', '0', '2'])
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await problemOf(refused)).toMatchObject({ status: 429, code: 'rate_limited', retryAfterMs: 500 })
    expect((await other.request('GET', '/v1/account')).status).toBe(200)
    await stage.world.advance(500)
    expect((await ask()).status).toBe(200)
  })

  test('admin keys are limited too; who has no key has no such headers', async () => {
    const stage = await rehearse({ market: { keyRequestsPerSecond: 1, keyRequestBurst: 1 } })
    expect((await stage.admin('GET', '/v1/admin/status', undefined)).status).toBe(200)
    expect((await stage.admin('GET', '/v1/admin/status', undefined)).status).toBe(429)
    const open = await stage.app().request('/v1/market', { headers: { authorization: 'Bearer mk_unknown_key' } })
    expect(open.headers.get('ratelimit-limit')).toBeNull()
    const unknown = await stage.app().request('/v1/account', { headers: { authorization: `Bearer ${adminKey}x` } })
    expect([unknown.status, unknown.headers.get('ratelimit-limit')]).toEqual([401, null])
  })

  test('bodies count against the key that sent them', async () => {
    const stage = await rehearse({ market: { keyBodyBytesPerSecond: 100 } })
    const tenant = await stage.tenant()
    await tenant.request('POST', '/v1/jobs', { spec: noopSpec(40) })
    const refused = await tenant.request('POST', '/v1/keys', { name: 'x' })
    expect(await problemOf(refused)).toMatchObject({ status: 429, code: 'rate_limited' })
    expect((await tenant.request('GET', '/v1/account')).status).toBe(200)
  })

  test('a tenant watches as many streams as it may', async () => {
    const stage = await rehearse({ market: { tenantWatches: 1 } })
    await stage.agent({ key: 1, slots: 1, nanoUsd: 10n, taskMs: 60_000 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(1))
    const first = await tenant.request('GET', `/v1/jobs/${id}/events`)
    expect(first.status).toBe(200)
    expect((await tenant.request('GET', `/v1/jobs/${id}/events`)).status).toBe(429)
    await first.body?.cancel()
    const again = await tenant.request('GET', `/v1/jobs/${id}/events`)
    expect(again.status).toBe(200)
    await again.body?.cancel()
  })
})
