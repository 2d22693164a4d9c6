import { connect, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import {
  cidOf,
  encodeCanonical,
  messagesPath,
  systemWorld,
  type AgentHandlers,
  type AgentPeer,
  type LinkCloseReason,
  type MarketMessage,
} from '@muster/protocol'
import { createConnector } from '../../agent/link/connect-market.ts'
import { openSocket } from '../../agent/link/open-socket.ts'
import { chainId, listen, newSigner, socketAgent, startMarket } from './socket-fixture.ts'

const stops: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 })

const frame = (body: Uint8Array, length = body.length): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(length)
  return Buffer.concat([head, body])
}

const startVictimMarket = async () => {
  const opened: AgentPeer[] = []
  const closed: LinkCloseReason[] = []
  const messages: unknown[] = []
  const market = await startMarket({
    handlers: {
      onOpen: (peer) => opened.push(peer),
      onMessage: (_peer, message) => {
        messages.push(message)
        if (message.type === 'want') throw new Error('a bug of the handler')
      },
      onClose: (_peer, reason) => closed.push(reason),
    },
    limits: { maxFrameBytes: 10_000, maxCallBytes: 10_000, closeMs: 100 },
  })
  stops.push(market.stop)
  return { market, opened, closed, messages }
}

/** Both sockets of a link, upgraded as an honest agent would, and nothing on them. */
const openSockets = async (port: number): Promise<{ control: Socket; data: Socket }> => {
  const signer = newSigner()
  const connector = createConnector(`http://127.0.0.1:${port}`, [])
  const open = async (kind: 'control' | 'data') => {
    const request = { kind, epoch: 1, chainId, market: undefined }
    const { socket } = await openSocket(connector(), request, { world: systemWorld, signer })
    socket.on('error', () => {})
    stops.push(() => void socket.destroy())
    return socket
  }
  return { control: await open('control'), data: await open('data') }
}

type Serve = (stream: ServerHttp2Stream, path: string) => void

/** A link whose agent serves as it likes. */
const linkHostile = async (port: number, serve: Serve): Promise<ServerHttp2Session> => {
  const { control, data } = await openSockets(port)
  const [session] = [control, data].map((socket) => {
    const served = performServerHandshake(socket)
    served.on('error', () => {})
    served.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {})
      serve(stream, String(headers[':path']))
    })
    return served
  })
  if (session === undefined) throw new Error('no session')
  return session
}

const speak =
  (...chunks: Uint8Array[]): Serve =>
  (stream, path) => {
    if (path !== messagesPath) return
    stream.respond({ ':status': 200 })
    for (const chunk of chunks) stream.write(chunk)
  }

test.each<[string, Serve]>([
  ['bytes that are no frame', speak(Buffer.from('GET / HTTP/1.1\r\n\r\n'))],
  ['a frame of four gigabytes', speak(Buffer.from([255, 255, 255, 255, 0]))],
  ['a frame that is no CBOR', speak(frame(Uint8Array.of(0xff)))],
  ['a message of no known type', speak(frame(encodeCanonical({ type: 'hello' })))],
  ['a message with a field of another type', speak(frame(encodeCanonical({ type: 'ping', at: 'now' })))],
  ['CBOR nested deep', speak(frame(new Uint8Array(9_000).fill(0x81)))],
  [
    'no message stream',
    (stream) => {
      stream.respond({ ':status': 404 })
      stream.end()
    },
  ],
])('an agent that sends %s is cut off, and only it', async (_, serve) => {
  const { market, closed, opened } = await startVictimMarket()
  await linkHostile(market.port, serve)
  await until(() => expect(closed).toEqual(['protocol-error']))
  expect(market.log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  const honest = await socketAgent(market.port).dial(1, honestHandlers())
  await until(() => expect(opened).toHaveLength(2))
  honest.close()
  await honest.closed
})

test('an agent that speaks no HTTP/2 is cut off', async () => {
  const { market, closed } = await startVictimMarket()
  const { control } = await openSockets(market.port)
  control.write(Buffer.alloc(4096, 0x7f))
  await until(() => expect(closed).toHaveLength(1))
  expect(['protocol-error', 'lost']).toContain(closed[0])
})

test('whatever an agent sends, the market lives', async () => {
  const { market, closed } = await startVictimMarket()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('stream', 'control', 'data'),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 5 }),
      async (where, chunks) => {
        const before = closed.length
        if (where === 'stream') {
          const session = await linkHostile(market.port, speak(...chunks))
          setTimeout(() => session.destroy(), 20)
        } else {
          const sockets = await openSockets(market.port)
          for (const chunk of chunks) sockets[where].write(chunk)
          sockets[where].end()
        }
        await until(() => expect(closed.length).toBe(before + 1))
      },
    ),
    { numRuns: 60 },
  )
  expect(market.links.linkCount).toBe(0)
})

test('an answer that does not fit its call closes the link', async () => {
  const answers: [string, Buffer][] = [
    ['no CBOR', Buffer.from([255])],
    ['another shape', Buffer.from(encodeCanonical({ leases: 1 }))],
  ]
  for (const [, body] of answers) {
    const { market, opened, closed } = await startVictimMarket()
    await linkHostile(market.port, (stream, path) => {
      stream.respond({ ':status': 200 })
      if (path !== messagesPath) stream.end(body)
    })
    await until(() => expect(opened).toHaveLength(1))
    await expect(opened[0]?.call('holdings', {}, { timeoutMs: 5000 })).rejects.toMatchObject({ code: 'link_closed' })
    expect(closed).toEqual(['protocol-error'])
  }
})

test('an answer without end, or with a problem that is none, fails its call alone', async () => {
  const { market, opened, closed } = await startVictimMarket()
  await linkHostile(market.port, (stream, path) => {
    if (path === messagesPath) return stream.respond({ ':status': 200 })
    if (path.includes('logs')) {
      stream.respond({ ':status': 500 })
      stream.end('<html>')
      return
    }
    stream.respond({ ':status': 200 })
    const pour = () => {
      while (!stream.destroyed && stream.write(Buffer.alloc(5000)));
    }
    stream.on('drain', pour)
    pour()
  })
  await until(() => expect(opened).toHaveLength(1))
  const [peer] = opened
  await expect(peer?.call('holdings', {}, { timeoutMs: 5000 })).rejects.toMatchObject({ code: 'record_invalid' })
  const attempt = 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV.0.1' as never
  await expect(peer?.call('logs', { attempt }, { timeoutMs: 5000 })).rejects.toMatchObject({ code: 'unavailable' })
  expect(closed).toEqual([])
})

test('a blob that stops in the middle, or stands still, is an error and no hang', async () => {
  const { market, opened, closed } = await startVictimMarket()
  const bytes = new Uint8Array(10_000)
  await linkHostile(market.port, (stream) => {
    stream.respond({ ':status': 200 })
    stream.write(bytes.subarray(0, 5000))
    if (!stream.session?.destroyed) setTimeout(() => stream.close(2), 20)
  })
  await until(() => expect(opened).toHaveLength(1))
  const read = async () => {
    for await (const chunk of opened[0]?.getBlob(cidOf(bytes), 10_000) ?? []) expect(chunk.length).toBeGreaterThan(0)
  }
  await expect(read()).rejects.toMatchObject({ code: expect.stringMatching(/blob_corrupt|link_closed/) })
  expect(closed.length).toBeLessThanOrEqual(1)
})

test('a handler that throws loses its message and nothing else, and the link goes on', async () => {
  const { market, messages } = await startVictimMarket()
  const peer = await socketAgent(market.port).dial(1, honestHandlers())
  peer.send({ type: 'want', cid: cidOf(new Uint8Array(1)) })
  peer.send({ type: 'notice', leases: [], by: 1 })
  await until(() => expect(messages).toHaveLength(2))
  expect(market.log).toMatchObject([{ level: 'warn', facts: { handler: 'onMessage' } }])
})

const honestHandlers = (messages: MarketMessage[] = []): AgentHandlers => ({
  onCall: () => Promise.reject(new Error('not called')),
  onMessage: (message) => messages.push(message),
  onPutBlob: async (_cid, bytes) => {
    for await (const chunk of bytes) void chunk
  },
  onGetBlob: async function* () {},
})

/** A market that lets anyone in and then says these bytes on the message stream, or on the socket itself. */
const startHostileMarket = async (where: 'stream' | 'socket', chunks: readonly Uint8Array[]): Promise<number> => {
  const sockets: Socket[] = []
  const every: Socket[] = []
  const server = createServer((_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' })
    const challenge = { challenge: `0x${'00'.repeat(32)}`, market: `0x${'11'.repeat(20)}`, chainId, at: Date.now() }
    response.end(JSON.stringify(challenge))
  })
  server.on('upgrade', (_request, duplex) => {
    const socket = duplex as Socket
    socket.on('error', () => {})
    sockets.push(socket)
    every.push(socket)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: muster-h2\r\n\r\n')
    if (sockets.length !== 2) return
    const [control] = sockets.splice(0)
    if (control === undefined) return
    if (where === 'socket') {
      for (const chunk of chunks) control.write(chunk)
      control.end()
      return
    }
    const session = connect('http://agent', { createConnection: () => control })
    session.on('error', () => {})
    const stream = session.request({ ':method': 'POST', ':path': messagesPath }, { endStream: false })
    stream.on('error', () => {})
    for (const chunk of chunks) stream.write(chunk)
    setTimeout(() => session.destroy(), 30)
  })
  const port = await listen(server)
  stops.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        for (const socket of every) socket.destroy()
        server.close(() => resolve())
      }),
  )
  return port
}

test('whatever a market sends, the agent lives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('stream' as const, 'socket' as const),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 5 }),
      async (where, chunks) => {
        const messages: MarketMessage[] = []
        const port = await startHostileMarket(where, chunks)
        const { dial } = socketAgent(port, { limits: { handshakeMs: 2_000, closeMs: 50 } })
        const reason = await dial(1, honestHandlers(messages)).then(
          (peer) => peer.closed,
          () => 'refused',
        )
        expect(['refused', 'protocol-error', 'lost']).toContain(reason)
        expect(messages).toEqual([])
      },
    ),
    { numRuns: 40 },
  )
})

test('a market that sends a message of no known type is left with a clear reason', async () => {
  const port = await startHostileMarket('stream', [frame(encodeCanonical({ type: 'surprise' }))])
  const peer = await socketAgent(port, { limits: { closeMs: 50 } }).dial(1, honestHandlers())
  expect(await peer.closed).toBe('protocol-error')
})
