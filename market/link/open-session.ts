import { connect, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { http2Transport } from './http2-transport.ts'

const kibibyte = 1024

const windows = {
  control: { stream: 1024 * kibibyte, session: 4096 * kibibyte },
  data: { stream: 2048 * kibibyte, session: 8192 * kibibyte },
} as const

/** What every request says of where it goes, said here so that Node need not find it out each time. */
export const agentAuthority = { ':scheme': 'http', ':authority': 'agent' } as const

/** One upgraded socket of a link and the HTTP/2 client on it. */
export interface LinkSocket {
  readonly socket: Socket
  readonly session: ClientHttp2Session
}

/** Takes over an upgraded socket as the HTTP/2 client of the agent at its other end. */
export const openSession = (socket: Socket, kind: 'control' | 'data'): LinkSocket => {
  socket.setTimeout(0)
  // The sockets of an HTTP server wait for our end as well; an HTTP/2 session on one would not notice the other's.
  socket.allowHalfOpen = false
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
  const transport = http2Transport(socket)
  const session = connect('http://agent', {
    createConnection: () => transport,
    settings: { enablePush: false, initialWindowSize: windows[kind].stream, maxFrameSize: 64 * kibibyte },
    maxHeaderListPairs: 32,
    maxSessionMemory: 32,
    maxSettings: 8,
  })
  session.on('connect', () => session.setLocalWindowSize(windows[kind].session))
  return { socket, session }
}
