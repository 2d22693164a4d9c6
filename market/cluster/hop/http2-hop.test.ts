import { connect as connectTls } from 'node:tls'
import { connect as connectTcp } from 'node:net'
import { MusterError, silentLog, systemWorld, type Cid } from '@muster/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { address, someCid } from '../../store/test-records.ts'
import type { NodeRow } from '../../store/node-store.ts'
import type { Hop, NodeCall, NodeService } from './hop.ts'
import { hopKey, hopTls } from './hop-key.ts'
import { createHttp2Hop } from './http2-hop.ts'
import { serveHop, type ServedHop } from './serve-hop.ts'

const key = hopKey(new Uint8Array(32).fill(1))
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const nodeAt = (port: number): NodeRow => ({
  id: 'node_there',
  name: 'there',
  url: `https://127.0.0.1:${port}`,
  market: address('a'),
  blobs: 'here',
  version: '0.1.0',
  startedAt: 0,
  beat: 0,
  links: 0,
  jobs: 0,
})

interface Heard {
  readonly from: string
  readonly call: string
  readonly request: unknown
}

const setUp = async (change: Partial<NodeService> = {}) => {
  const heard: Heard[] = []
  const blobs = new Map<Cid, string>()
  const service: NodeService = {
    call: async (from, call, request) => {
      heard.push({ from, call, request })
      if (call === 'keeps') return { isSettled: true, kept: [] } as never
      if (call === 'offers') throw new MusterError({ code: 'rate_limited', message: 'Too fast.', facts: { after: 3 } })
      if (call === 'needs') return new Promise<never>(() => {})
      return null as never
    },
    putBlob: async ({ cid }, bytes) => {
      let text = ''
      for await (const chunk of bytes) text += Buffer.from(chunk).toString()
      blobs.set(cid, text)
    },
    getBlob: async function* ({ cid }) {
      const text = blobs.get(cid)
      if (text === undefined) throw new MusterError({ code: 'blob_missing', message: 'No such blob.' })
      yield Buffer.from(text)
    },
    fetch: async (request) =>
      Response.json(
        {
          path: new URL(request.url).pathname,
          key: request.headers.get('authorization'),
          body: request.body === null ? null : await request.text(),
        },
        { status: 202, headers: { 'x-from': 'there' } },
      ),
    ...change,
  }
  const served: ServedHop = await serveHop({ host: '127.0.0.1', port: 0 }, { key, service, log: silentLog })
  let isServed = true
  const stop = async (): Promise<void> => {
    if (isServed) await served.close()
    isServed = false
  }
  closing.push(stop)
  const open = (with_: Uint8Array = key): Hop => {
    const hop = createHttp2Hop({ world: systemWorld, key: with_, id: () => 'node_here' })
    closing.push(() => hop.close())
    return hop
  }
  return { heard, blobs, node: nodeAt(served.port), open, stop, port: served.port }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof MusterError ? error.code : String(error)),
  )

describe('the hop over HTTP/2', () => {
  test('a call arrives as it was made, with who made it, and its answer or its error comes back', async () => {
    const { heard, node, open } = await setUp()
    const hop = open()
    expect(await hop.call(node, 'keeps', { leases: [] }, 5_000)).toEqual({ isSettled: true, kept: [] })
    const held = [{ reservation: 'rsv_1', slots: 2 }] as never
    await hop.call(node, 'holds', { provider: address('1'), held }, 5_000)
    expect(heard[1]).toEqual({ from: 'node_here', call: 'holds', request: { provider: address('1'), held } })
    const refused = hop.call(node, 'offers', { demand: { slots: 10n } as never, limit: 1 }, 5_000)
    await expect(refused).rejects.toMatchObject({ code: 'rate_limited', message: 'Too fast.', facts: { after: 3 } })
    expect(heard[2]?.request).toEqual({ demand: { slots: 10n }, limit: 1 })
  })

  test('an answer that does not come in time is a link that is silent, and harms no other call', async () => {
    const { node, open } = await setUp()
    const hop = open()
    const late = hop.call(node, 'needs', { provider: address('1'), cid: someCid('x') }, 50)
    await expect(late).rejects.toMatchObject({ code: 'link_closed', facts: { reason: 'silent' } })
    expect(await codeOf(hop.call(node, 'keeps', { leases: [] }, 5_000))).toBe('ok')
  })

  test('blobs go both ways', async () => {
    const { blobs, node, open } = await setUp()
    const hop = open()
    const blob = { provider: address('1'), epoch: 3, cid: someCid('x') }
    const bytes = (async function* () {
      for (let part = 0; part < 100; part++) yield Buffer.from('0123456789'.repeat(1_000))
    })()
    await hop.putBlob(node, blob, bytes)
    expect(blobs.get(blob.cid)).toHaveLength(1_000_000)
    let length = 0
    for await (const chunk of hop.getBlob(node, blob, 2_000_000)) length += chunk.length
    expect(length).toBe(1_000_000)
    const missing = Array.fromAsync(hop.getBlob(node, { ...blob, cid: someCid('y') }, 10))
    expect(await codeOf(missing)).toBe('blob_missing')
  })

  test('a blob that breaks off on the way is no blob', async () => {
    const { node, open } = await setUp({
      getBlob: async function* () {
        yield Buffer.alloc(100_000)
        throw new Error('the agent is gone')
      },
    })
    const blob = { provider: address('1'), epoch: 3, cid: someCid('x') }
    expect(await codeOf(Array.fromAsync(open().getBlob(node, blob, 1_000_000)))).not.toBe('ok')
  })

  test('a blob that its reader leaves half read is not read on where it comes from', async () => {
    const left = Promise.withResolvers<void>()
    const { node, open } = await setUp({
      getBlob: async function* () {
        try {
          while (true) yield Buffer.alloc(100_000)
        } finally {
          left.resolve()
        }
      },
    })
    const blob = { provider: address('1'), epoch: 3, cid: someCid('x') }
    for await (const chunk of open().getBlob(node, blob, 1_000_000_000)) if (chunk.length > 0) break
    await left.promise
  })

  test('a request of the API goes on as it is, and so does its answer', async () => {
    const { node, open } = await setUp()
    const request = new Request('http://market/v1/jobs/job_1/cancel?x=1', {
      method: 'POST',
      headers: { authorization: 'Bearer key' },
      body: '{"why":"ü"}',
    })
    const response = await open().fetch(node, request)
    expect([response.status, response.headers.get('x-from')]).toEqual([202, 'there'])
    expect(await response.json()).toEqual({ path: '/v1/jobs/job_1/cancel', key: 'Bearer key', body: '{"why":"ü"}' })
    const got = await open().fetch(node, new Request('http://market/v1/jobs/job_1'))
    expect(await got.json()).toMatchObject({ body: null })
  })

  test('a node that is gone fails calls at once, and one that is back is reached again', async () => {
    const { node, open, stop, port } = await setUp()
    const hop = open()
    expect(await codeOf(hop.call(node, 'keeps', { leases: [] }, 5_000))).toBe('ok')
    const under = codeOf(hop.call(node, 'needs', { provider: address('1'), cid: someCid('x') }, 60_000))
    await stop()
    expect(await under).toBe('link_closed')
    expect(await codeOf(hop.call(node, 'keeps', { leases: [] }, 5_000))).toBe('link_closed')
    const again = await serveHop(
      { host: '127.0.0.1', port },
      { key, service: { call: async () => null as never } as unknown as NodeService, log: silentLog },
    )
    closing.push(() => again.close())
    expect(await codeOf(hop.call(node, 'holds', { provider: address('1'), held: [] }, 5_000))).toBe('ok')
  })

  test('who does not know the key of the market gets nowhere, whatever it says', async () => {
    const { heard, node, open, port } = await setUp()
    expect(await codeOf(open(hopKey(new Uint8Array(32).fill(2))).call(node, 'keeps', { leases: [] }, 5_000))).toBe(
      'link_closed',
    )
    const knock = (start: (done: () => void) => void) => new Promise<void>((resolve) => start(resolve))
    for (const bytes of [Buffer.from('GET /node/calls/keeps HTTP/1.1\r\n\r\n'), Buffer.alloc(70_000, 0x5a)])
      await knock((done) => {
        const socket = connectTcp(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => done())
        socket.end(bytes)
      })
    await knock((done) => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      socket.on('error', () => {})
      socket.on('close', () => done())
    })
    await knock((done) => {
      const pskCallback = () => ({ psk: Buffer.alloc(32), identity: 'node' })
      const socket = connectTls({
        port,
        host: '127.0.0.1',
        ...hopTls,
        pskCallback,
        checkServerIdentity: () => undefined,
      })
      socket.on('error', () => {})
      socket.on('close', () => done())
    })
    expect(heard).toEqual([])
    expect(await codeOf(open().call(node, 'keeps', { leases: [] }, 5_000))).toBe('ok')
  })

  test('a call that the other node does not know is refused', async () => {
    const { node, open } = await setUp({
      call: async () => {
        throw new MusterError({ code: 'not_found', message: 'This node does not know this call.' })
      },
    })
    expect(await codeOf(open().call(node, 'toString' as NodeCall, null as never, 5_000))).toBe('not_found')
  })
})
