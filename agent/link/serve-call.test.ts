import { connect, createServer, type ClientHttp2Stream } from 'node:http2'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { encodeCanonical } from '@muster/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { serveCall, type CallBudget } from './serve-call.ts'

const kibibyte = 1024

const setUp = async (budget: CallBudget) => {
  const onCall = vi.fn(async () => ({ leases: [], attempts: [] }))
  const server = createServer()
  server.on('stream', (stream, headers) =>
    serveCall(stream, String(headers[':path']).slice(1), onCall as never, { maxCallBytes: 8192 * kibibyte, budget }),
  )
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    session.destroy()
    server.close()
  })
  const post = (call: string): ClientHttp2Stream => session.request({ ':method': 'POST', ':path': `/${call}` })
  const read = async (stream: ClientHttp2Stream): Promise<string> => {
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const call = (name: string, body: Uint8Array): Promise<string> => {
    const stream = post(name)
    stream.end(body)
    return read(stream)
  }
  return { onCall, post, call }
}

test.each([
  ['holdings', 64],
  ['close-lease', 64],
  ['reserve', 256],
  ['open-lease', 256],
])('a %s of more than %i KiB is refused and nothing of it kept', async (name, most) => {
  const budget = { bytes: 4096 * kibibyte }
  const { onCall, call } = await setUp(budget)
  expect(await call(name, new Uint8Array(most * kibibyte + 1))).toContain('larger than this agent allows')
  expect(await call(name, new Uint8Array(most * kibibyte))).not.toContain('larger than this agent allows')
  expect(onCall).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(budget.bytes).toBe(4096 * kibibyte))
})

test('calls held open hold no more of a session than its sum, and give it back when they end', async () => {
  const budget = { bytes: 10 * kibibyte }
  const { onCall, post, call } = await setUp(budget)
  const open = post('holdings')
  open.write(new Uint8Array(9 * kibibyte))
  await vi.waitFor(() => expect(budget.bytes).toBe(kibibyte))
  const answer = await call('holdings', new Uint8Array(2 * kibibyte))
  expect(JSON.parse(answer)).toMatchObject({ code: 'rate_limited' })
  expect(await call('holdings', encodeCanonical({}))).not.toContain('rate_limited')
  expect(onCall).toHaveBeenCalledOnce()
  open.close()
  await once(open, 'close')
  await vi.waitFor(() => expect(budget.bytes).toBe(10 * kibibyte))
})
