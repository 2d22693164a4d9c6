import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { cidOf } from '@muster/protocol'
import { afterEach, expect, test } from 'vitest'
import type { LinkServer } from '../link/link-server.ts'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'
import { serve, type Served } from './serve.ts'

let served: Served | undefined
afterEach(async () => {
  await served?.close()
  served = undefined
})

const noLinks = { close: async () => {}, handleUpgrade: () => {} } as unknown as LinkServer

const start = async (market = {}) => {
  const stage = await rehearse({ market })
  const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 60_000 })
  const tenant = await stage.tenant()
  served = await serve(stage.app(), noLinks, '127.0.0.1', 0)
  return { stage, agent, tenant, url: served.url, headers: { authorization: `Bearer ${tenant.apiKey}` } }
}

const bytes = new TextEncoder().encode('over a socket')

test('an upload past the limit is refused over a socket, with and without its length', async () => {
  const { url, headers, stage } = await start({ maxBlobBytes: 100_000 })
  const large = new Uint8Array(300_000)
  const byLength = await fetch(`${url}/v1/blobs/${cidOf(large)}`, { method: 'PUT', headers, body: large })
  expect(await problemOf(byLength)).toMatchObject({ status: 413, code: 'blob_too_large' })
  const chunked = request(`${url}/v1/blobs/${cidOf(large)}`, { method: 'PUT', headers })
  chunked.on('error', () => {})
  const answered = once(chunked, 'response') as Promise<[IncomingMessage]>
  for (let part = 0; part < 6; part++) chunked.write(large.subarray(0, 50_000))
  const [response] = await answered
  expect(response.statusCode).toBe(413)
  response.resume()
  chunked.destroy()
  expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  const good = await fetch(`${url}/v1/blobs/${cidOf(bytes)}`, { method: 'PUT', headers, body: bytes })
  expect(good.status).toBe(201)
  const back = await fetch(`${url}/v1/blobs/${cidOf(bytes)}`, { headers: { ...headers, range: 'bytes=0-3' } })
  expect([back.status, await back.text()]).toEqual([206, 'over'])
})

test('an upload that breaks off leaves nothing', async () => {
  const { url, headers, stage } = await start()
  const upload = request(`${url}/v1/blobs/${cidOf(bytes)}`, { method: 'PUT', headers })
  upload.on('error', () => {})
  upload.write(bytes.subarray(0, 4))
  await new Promise((resolve) => upload.once('socket', (socket) => socket.once('ready', resolve)))
  upload.destroy()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  expect(await stage.blobs.size(cidOf(bytes))).toBeUndefined()
})

test('a watcher that hangs up is let go of', async () => {
  const { url, headers, stage, tenant } = await start()
  const { id } = await tenant.submit(noopSpec(1, { slots: 1 }))
  await stage.world.settle()
  const idle = stage.world.pending()
  const hangUp = new AbortController()
  const watch = await fetch(`${url}/v1/jobs/${id}/events`, { headers, signal: hangUp.signal })
  const reader = watch.body?.getReader()
  await reader?.read()
  expect(stage.world.pending()).toBe(idle + 1)
  hangUp.abort()
  while (stage.world.pending() > idle) await new Promise((resolve) => setImmediate(resolve))
})

test('what is no link is not upgraded, and an unknown path is a problem', async () => {
  const { url } = await start()
  const upgrade = request(`${url}/v1/jobs`, { headers: { connection: 'Upgrade', upgrade: 'websocket' } })
  const [response] = (await once(upgrade.end(), 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(404)
  response.resume()
  expect(await problemOf(await fetch(`${url}/nothing`))).toMatchObject({ status: 404, code: 'not_found' })
})

test('without a key an address may ask so much, a transcript counting for many requests, and keys have limits of their own', async () => {
  const { url, headers, stage } = await start({ openRequestsPerSecond: 100, openRequestBurst: 402 })
  const auction = `${url}/v1/auctions/auc_01K5KRN0M0ABCDEFGHJKMNPQRS`
  const ask = async (at: string): Promise<number> => (await fetch(at)).status
  expect([await ask(auction), await ask(auction), await ask(`${url}/v1/market`)]).toEqual([404, 404, 200])
  const refused = await fetch(auction)
  expect(refused.headers.get('retry-after')).toBe('2')
  expect(await problemOf(refused)).toMatchObject({
    code: 'rate_limited',
    message:
      'Whoever has no key may make 100 requests a second here, and 402 at once; one of these counts for 200; slow down.',
  })
  expect((await fetch(`${url}/v1/account`, { headers })).status).toBe(200)
  expect(await ask(`${url}/v1/market`)).toBe(200)
  expect(await ask(`${url}/v1/market`)).toBe(429)
  await stage.world.advance(2_000)
  expect(await ask(auction)).toBe(404)
})

test('what is more work counts for more: the list of offers for fifty, what would fit an order for twenty', async () => {
  const { url } = await start({ openRequestsPerSecond: 1, openRequestBurst: 121 })
  const demand = {
    slots: 1,
    resources: { cpuMilli: 1000, memoryBytes: 2 ** 20, diskBytes: 0, gpuCount: 0 },
    runtime: 'noop',
    placement: {},
    maxPrice: { nanoUsd: '1000', per: 'task' },
  }
  const list = async () => (await fetch(`${url}/v1/offers`)).status
  const match = async () =>
    (await fetch(`${url}/v1/offers/match`, { method: 'POST', body: JSON.stringify(demand) })).status
  expect([await list(), await list(), await list()]).toEqual([200, 200, 429])
  expect([await match(), await match()]).toEqual([200, 429])
  expect((await fetch(`${url}/prices`)).status).toBe(200)
  expect((await fetch(`${url}/prices`)).status).toBe(429)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})
