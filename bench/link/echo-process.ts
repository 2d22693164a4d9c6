import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import {
  createSigner,
  loadSecp256k1,
  newId,
  systemWorld,
  type AgentHandlers,
  type AgentMessage,
  type MarketPeer,
} from '@muster/protocol'
import { createDialer } from '../../agent/link/dial-market.ts'
import { corkForTurn } from './cork-for-turn.ts'

/** The far end of every transport, in a process of its own: answers 200 bytes with 200 bytes. */
const answer = Buffer.alloc(200, 0x61)

const http = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-length': answer.length })
    response.end(answer)
  })
})
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))

const listenWs = async (isCorked: boolean): Promise<number> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  server.on('connection', (socket: WebSocket) => {
    const send = isCorked ? corkForTurn(socket) : (data: Uint8Array) => socket.send(data)
    socket.on('message', () => send(answer))
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return server.address().port
}

const leases = Array.from({ length: 6 }, () => newId(systemWorld, 'lease'))
const reply: AgentMessage = { type: 'notice', leases, by: systemWorld.now() }
const line = 'a'.repeat(190)

const onCall = () => Promise.resolve({ lines: [line] })
const handlers: AgentHandlers = {
  onCall: onCall as unknown as AgentHandlers['onCall'],
  onMessage: () => peer.send(reply),
  onPutBlob: () => Promise.resolve(),
  onGetBlob: async function* () {},
}

const [marketUrl = '', chainId = '1'] = process.argv.slice(2)
const signer = createSigner(await loadSecp256k1(), systemWorld.random(32))
const peer: MarketPeer = await createDialer({ marketUrl, chainId: Number(chainId) }, { world: systemWorld, signer })(
  1,
  handlers,
)

process.send?.({
  http: (http.address() as AddressInfo).port,
  ws: await listenWs(false),
  wsCorked: await listenWs(true),
})
process.on('disconnect', () => process.exit(0))
