import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AttemptId } from '../id/task-id.ts'
import { agentMessageSchema, marketMessageSchema, type AgentMessage, type MarketMessage } from './link-message.ts'
import { createMessageReceiver } from './message-receiver.ts'
import { createMessageSender, type MessageSenderOptions } from './message-sender.ts'

const pong = (at: number): MarketMessage => ({ type: 'pong', at })

const startSender = (limits: Partial<MessageSenderOptions> = {}) => {
  const writes: Uint8Array[] = []
  const overflows: number[] = []
  let finishWrite = (): void => {}
  const sender = createMessageSender<MarketMessage>({
    maxFrameBytes: 100_000,
    maxQueuedBytes: 1_000_000,
    write: (bytes, done) => {
      writes.push(bytes)
      finishWrite = done
    },
    onOverflow: (bytes) => overflows.push(bytes),
    ...limits,
  })
  return { sender, writes, overflows, finishWrite: () => finishWrite() }
}

const receive = (chunks: readonly Uint8Array[], maxFrameBytes = 100_000) => {
  const messages: MarketMessage[] = []
  const garbage: string[] = []
  const receiver = createMessageReceiver<MarketMessage>({
    schema: marketMessageSchema,
    maxFrameBytes,
    onMessage: (message) => messages.push(message),
    onGarbage: (found) => garbage.push(found),
  })
  for (const chunk of chunks) receiver.push(chunk)
  return { messages, garbage }
}

test('messages of one turn leave in one write, and those sent meanwhile in the next', async () => {
  const { sender, writes, finishWrite } = startSender()
  for (let at = 0; at < 5; at++) sender.send(pong(at))
  expect(writes).toHaveLength(0)
  await Promise.resolve()
  expect(writes).toHaveLength(1)
  for (let at = 5; at < 9; at++) sender.send(pong(at))
  await Promise.resolve()
  expect(writes).toHaveLength(1)
  finishWrite()
  expect(writes).toHaveLength(2)
  expect(receive(writes).messages).toEqual(Array.from({ length: 9 }, (_, at) => pong(at)))
})

test('a sender that ends writes what waits and takes no more', async () => {
  const { sender, writes, finishWrite } = startSender()
  sender.send(pong(1))
  const ended = sender.end()
  sender.send(pong(2))
  await Promise.resolve()
  expect(receive(writes).messages).toEqual([pong(1)])
  finishWrite()
  await ended
  await startSender().sender.end()
})

test('too much waiting is said once, and the rest is forgotten', async () => {
  const { sender, writes, overflows } = startSender({ maxQueuedBytes: 1000 })
  const attempts = Array.from({ length: 4 }, (_, index) => `job_01ARZ3NDEKTSV4RRFFQ69G5FAV.${index}.1` as AttemptId)
  for (let i = 0; i < 100; i++) sender.send({ type: 'cancel', attempts })
  await Promise.resolve()
  expect(overflows).toHaveLength(1)
  expect(writes).toEqual([])
  await sender.end()
})

test('a message that is too large is refused to its sender alone', async () => {
  const { sender, writes } = startSender({ maxFrameBytes: 100 })
  expect(() => sender.send({ type: 'start', batches: [], blobs: [new Uint8Array(100)] })).toThrow(
    expect.objectContaining({ code: 'request_invalid' }),
  )
  sender.send(pong(1))
  await Promise.resolve()
  expect(receive(writes).messages).toEqual([pong(1)])
})

test('bytes taken from a chunk do not keep the chunk alive', async () => {
  const { sender, writes } = startSender()
  sender.send({ type: 'start', batches: [], blobs: [Uint8Array.of(1, 2, 3)] })
  await Promise.resolve()
  const [message] = receive([Buffer.concat([...writes, new Uint8Array(10)])]).messages
  expect(message).toMatchObject({ type: 'start' })
  if (message?.type === 'start') expect(message.blobs[0]?.buffer.byteLength).toBe(3)
})

test('no bytes make a receiver throw, and after the first garbage nothing is handed on', async () => {
  const { sender, writes } = startSender()
  sender.send(pong(7))
  await Promise.resolve()
  const good = writes[0] ?? new Uint8Array(0)
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      const { garbage } = receive([...chunks, good], 4096)
      expect(garbage.length).toBeLessThanOrEqual(1)
    }),
    { numRuns: 1000 },
  )
  const garbled = receive([good, Uint8Array.of(0, 0, 0, 1, 0xff), good])
  expect(garbled.messages).toEqual([pong(7)])
  expect(garbled.garbage).toHaveLength(1)
})

test('a frame with one byte changed is a message or garbage, never more', async () => {
  const { sender, writes } = startSender()
  sender.send({ type: 'cancel', attempts: ['job_01ARZ3NDEKTSV4RRFFQ69G5FAV.1.1' as AttemptId] })
  sender.send(pong(7))
  await Promise.resolve()
  const good = writes[0] ?? new Uint8Array(0)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const { messages, garbage } = receive([good.map((byte, index) => (index === at ? byte ^ change : byte))])
      expect(messages.length + garbage.length).toBeLessThanOrEqual(2)
    }),
    { numRuns: 2000 },
  )
})

test.each<[string, unknown]>([
  ['an unknown type', { type: 'hello' }],
  ['a field too many', { type: 'ping', at: 1, extra: true }],
  ['a wrong type', { type: 'ping', at: '1' }],
  ['a list too long', { type: 'offers', offers: Array.from({ length: 65 }, () => ({})), counted: [] }],
  ['a message of the other side', { type: 'settled', attempts: [] }],
])('%s is no message of an agent', (_, value) => {
  expect(agentMessageSchema.safeParse(value).success).toBe(false)
  const ping: AgentMessage = { type: 'ping', at: 1 }
  expect(agentMessageSchema.parse(ping)).toEqual(ping)
})
