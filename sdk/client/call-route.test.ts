import { MusterError, newId, systemWorld } from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeApiKey, noopSpec, startFakeMarket, type FakeMarket } from '../fake/index.ts'
import type { Muster } from './create-client.ts'
import { createMuster } from './create-muster.ts'

let market: FakeMarket
let muster: Muster
beforeEach(async () => {
  market = await startFakeMarket()
  muster = createMuster({ url: market.url, apiKey: fakeApiKey, retry: { firstDelayMs: 1, maxDelayMs: 20 } })
})
afterEach(() => market.close())

const failure = async (promise: Promise<unknown>): Promise<MusterError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(MusterError)
  return error as MusterError
}

describe('callRoute', () => {
  test('gives money as bigints', async () => {
    expect((await muster.account()).balance).toBe(10n ** 12n)
  })

  test('carries the problem of the market over', async () => {
    const error = await failure(muster.getJob(newId(systemWorld, 'job')))
    expect(error).toMatchObject({ code: 'not_found', fault: 'tenant', message: 'There is no such job.' })
  })

  test('says who cannot be reached, and why', async () => {
    await market.close()
    const error = await failure(createMuster({ url: market.url, retry: { attempts: 1 } }).market())
    expect(error).toMatchObject({
      code: 'unavailable',
      fault: 'network',
      retry: 'later',
      facts: { found: 'ECONNREFUSED' },
    })
    expect(error.message).toBe(`Cannot reach the market at ${market.url}: nothing listens there.`)
  })

  test('repeats a call that may be made twice', async () => {
    market.fail('listJobs', { type: 'drop' }, { type: 'answer', status: 503, body: 'busy' }, { type: 'lose' })
    expect(await muster.listJobs()).toEqual([])
    expect(market.calls).toEqual(['listJobs', 'listJobs', 'listJobs', 'listJobs'])
  })

  test('gives up after the last try, with the last error', async () => {
    const busy = { type: 'answer', status: 503, body: 'busy' } as const
    market.fail('listJobs', busy, busy, busy, busy, busy, busy)
    expect(await failure(muster.listJobs())).toMatchObject({
      code: 'unavailable',
      facts: { status: 503, found: 'busy' },
    })
    expect(market.calls).toHaveLength(5)
  })

  test('makes a call once that may not be made twice', async () => {
    market.fail('createKey', { type: 'drop' })
    expect(await failure(muster.createKey('second'))).toMatchObject({ code: 'unavailable' })
    expect(market.calls).toEqual(['createKey'])
  })

  test('does not repeat what the market refuses', async () => {
    const stranger = createMuster({ url: market.url, apiKey: 'wrong' })
    expect(await failure(stranger.account())).toMatchObject({ code: 'unauthenticated' })
    expect(market.calls).toEqual(['account'])
  })

  test('leaves a wait longer than its own to the caller', async () => {
    market.fail('listJobs', { type: 'answer', status: 429, body: '', headers: { 'retry-after': '30' } })
    expect(await failure(muster.listJobs())).toMatchObject({ code: 'rate_limited', retryAfterMs: 30_000 })
    expect(market.calls).toHaveLength(1)
  })

  test('ends a call that is not answered in time', async () => {
    market.fail('market', { type: 'hang' })
    const hasty = createMuster({ url: market.url, timeoutMs: 20, retry: { attempts: 1 } })
    expect(await failure(hasty.market())).toMatchObject({
      code: 'timeout',
      facts: { call: 'GET /v1/market', timeoutMs: 20 },
    })
  })

  test('ends at once when its caller cancels', async () => {
    market.fail('market', { type: 'hang' })
    const controller = new AbortController()
    const call = muster.market({ signal: controller.signal })
    controller.abort()
    expect(await failure(call)).toMatchObject({ code: 'cancelled' })
    expect(await failure(muster.market({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'cancelled' })
  })

  test('refuses an answer of another form', async () => {
    market.fail('market', { type: 'answer', status: 200, body: '<html>' })
    expect(await failure(muster.market())).toMatchObject({
      code: 'internal',
      retry: 'never',
      facts: { found: '<html>' },
    })
  })

  test('sends the key only where a key is asked for', async () => {
    await muster.market()
    await muster.account()
    expect(market.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, `Bearer ${fakeApiKey}`])
  })

  test('refuses a URL that is none', () => {
    expect(() => createMuster({ url: 'market' })).toThrow(MusterError)
    expect(() => createMuster({ url: 'file:///etc' })).toThrow('http://')
  })

  test('reaches any route by its name', async () => {
    const { tenant } = await muster.call('account', {})
    const view = await muster.call('submitJob', { body: { spec: noopSpec(1) } })
    expect(view.name).toBe('nothing')
    expect(tenant).toBe(market.network.tenant)
  })
})
