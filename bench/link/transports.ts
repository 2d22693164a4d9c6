import { Agent, request as httpRequest } from 'node:http'
import { WebSocket } from 'ws'
import { attemptId, newId, systemWorld, type AgentPeer, type MarketMessage } from '@muster/protocol'
import { corkForTurn } from './cork-for-turn.ts'
import type { RoundTrip } from './round-trips.ts'

export interface Transport {
  readonly trip: RoundTrip
  close(): void
}

const body = Buffer.alloc(200, 0x62)
const attempts = Array.from({ length: 5 }, (_, index) => attemptId(newId(systemWorld, 'job'), index, 1))

/** Answers come in the order of the requests. */
const inOrder = () => {
  const waiting: (() => void)[] = []
  let first = 0
  return {
    wait: (done: () => void) => void waiting.push(done),
    arrived: () => {
      const done = waiting[first]
      first += 1
      if (first === 4096) {
        waiting.splice(0, first)
        first = 0
      }
      done?.()
    },
  }
}

/** Messages on the link's long-lived stream: encoded, framed, decoded and checked against their schema at both ends. */
export const linkMessages = (peer: AgentPeer): Transport & { readonly arrived: () => void } => {
  const { wait, arrived } = inOrder()
  const message: MarketMessage = { type: 'cancel', attempts }
  return {
    arrived,
    trip: (done) => {
      wait(done)
      peer.send(message)
    },
    close: () => {},
  }
}

/** Calls over the link, each a stream of its own, checked as messages are. */
export const linkCallsOver = (peer: AgentPeer): Transport => {
  const [attempt = attemptId(newId(systemWorld, 'job'), 0, 1)] = attempts
  return {
    trip: (done) => void peer.call('logs', { attempt }, { timeoutMs: 60_000 }).then(done),
    close: () => {},
  }
}

/** HTTP/1.1 with connections kept open, as many as are under way; bodies are raw bytes. */
export const plainHttp = (port: number, sockets: number): Transport => {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets })
  const headers = { 'content-length': body.length }
  return {
    trip: (done) => {
      const request = httpRequest(
        { agent, port, host: '127.0.0.1', method: 'POST', path: '/', headers },
        (response) => {
          response.resume()
          response.on('end', done)
        },
      )
      request.end(body)
    },
    close: () => agent.destroy(),
  }
}

/** A WebSocket of raw bytes; `isCorked` joins what is sent in one turn. */
export const webSocket = async (port: number, isCorked: boolean): Promise<Transport> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  await new Promise((resolve) => socket.once('open', resolve))
  const { wait, arrived } = inOrder()
  socket.on('message', arrived)
  const send = isCorked ? corkForTurn(socket) : (data: Uint8Array) => socket.send(data)
  return {
    trip: (done) => {
      wait(done)
      send(body)
    },
    close: () => socket.close(),
  }
}
