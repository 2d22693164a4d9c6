import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { http2Transport } from './http2-transport.ts'

const kibibyte = 1024

const windows = {
  control: { stream: 1024 * kibibyte, session: 4096 * kibibyte, streams: 1024 },
  data: { stream: 2048 * kibibyte, session: 8192 * kibibyte, streams: 128 },
} as const

/** Takes over an upgraded socket as the HTTP/2 server of the market at its other end. */
export const serveSession = (
  socket: Socket,
  kind: 'control' | 'data',
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): ServerHttp2Session => {
  socket.setTimeout(0)
  socket.allowHalfOpen = false
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
  const session = performServerHandshake(http2Transport(socket), {
    settings: {
      initialWindowSize: windows[kind].stream,
      maxFrameSize: 64 * kibibyte,
      maxConcurrentStreams: windows[kind].streams,
    },
    maxHeaderListPairs: 32,
    maxSessionMemory: 64,
  })
  session.setLocalWindowSize(windows[kind].session)
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    onStream(stream, headers)
  })
  return session
}
