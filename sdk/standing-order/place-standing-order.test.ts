import {
  commitSpec,
  createVerifier,
  digestOf,
  nobleSecp256k1,
  placeStandingOrderRoute,
  toJson,
  type Hex,
  type SignedOrder,
} from '@muster/protocol'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, noopSpec, signerNamed, startFakeMarket, type FakeMarket } from '../fake/index.ts'

const signer = signerNamed('tenant')
const until = Date.now() + 86_400_000
let market: FakeMarket
let recorder: Server
let sent: { readonly body: Sent; readonly key: unknown }[]

/** In front of the market: keeps the bodies that pass. */
beforeEach(async () => {
  market = await startFakeMarket({ tenantAddress: signer.address })
  sent = []
  recorder = createServer((request, response) => {
    void text(request).then(async (body) => {
      const { method = 'GET', url = '', headers } = request
      const key = headers['idempotency-key']
      if (method === 'POST') sent.push({ body: placeStandingOrderRoute.body.parse(JSON.parse(body)) as Sent, key })
      const authorization = headers.authorization ?? ''
      const asked = { method, headers: { authorization }, ...(method === 'POST' ? { body } : {}) }
      const answered = await fetch(`${market.url}${url}`, asked).catch(() => undefined)
      if (answered === undefined) return response.destroy()
      response.writeHead(answered.status, { 'content-type': 'application/json' })
      return response.end(await answered.text())
    })
  })
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  recorder.closeAllConnections()
  await new Promise((resolve) => recorder.close(resolve))
  await market.close()
})

const clientOf = (isSigning: boolean) =>
  createMuster({
    url: `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`,
    apiKey: fakeApiKey,
    ...(isSigning ? { signer } : {}),
    retry: { firstDelayMs: 1, maxDelayMs: 5 },
  })

type Sent = { readonly spec: { readonly nameSalt: Hex }; readonly orders: readonly SignedOrder[] }

const view = {
  id: 'sto_01K5KRN0M0ABCDEFGHJKMNPQRS',
  name: 'nightly',
  phase: 'open',
  ended: null,
  terms: { times: 2, until, cooldownMs: 0, atMost: null },
  slots: 2,
  ceiling: '5',
  runs: 0,
  job: null,
  charged: '0',
  problem: null,
  notBefore: 1,
  placedAt: 1,
  updatedAt: 1,
}
const answer = { type: 'answer', status: 201, body: toJson(view) } as const

describe('placeStandingOrder', () => {
  test('signs an order for each job with the key of the tenant, over the very spec that is sent', async () => {
    market.fail('placeStandingOrder', answer)
    await clientOf(true).placeStandingOrder(noopSpec(), { times: 2, until })
    const [first] = sent
    if (first === undefined) throw new Error('a body')
    const { orders, spec } = first.body
    expect(orders).toHaveLength(2)
    expect(new Set(orders.map(({ record }) => record.id)).size).toBe(2)
    expect(new Set(orders.map(({ record }) => record.nonce)).size).toBe(2)
    const domain = { chainId: 31_337, market: market.network.market }
    for (const order of orders) {
      expect(order.record).toMatchObject({ expiresAt: until, custody: 'tenant', tenant: market.network.tenant })
      expect(order.record.job).toBe(digestOf(commitSpec(spec as never, spec.nameSalt)))
      expect(createVerifier(nobleSecp256k1).signerOf(domain, order)).toBe(signer.address)
    }
  })

  test('signs nothing without a key, and places once though the answer was lost', async () => {
    market.fail('placeStandingOrder', { type: 'drop' }, answer)
    const placed = await clientOf(false).placeStandingOrder(noopSpec(), { times: null, until })
    expect(placed).toMatchObject({ id: view.id, ceiling: 5n })
    expect(sent.map(({ body }) => body.orders)).toEqual([[], []])
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
    expect(sent[0]?.key).toMatch(/^sto_/)
  })

  test.each([
    ['no number of times with a key of its own', true, { times: null, until }],
    ['no time to end at', false, {}],
    ['a budget below nothing', false, { until, atMost: -1n }],
    ['more times than there may be', false, { until, times: 10_001 }],
  ])('refuses %s before anything is sent', async (_, isSigning, terms) => {
    const placing = clientOf(isSigning).placeStandingOrder(noopSpec(), terms as never)
    await expect(placing).rejects.toMatchObject({ code: 'spec_invalid' })
    expect(sent).toEqual([])
  })
})
