import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

const throughStreams = (socket: TLSSocket): Duplex => {
  const transport = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void socket.write(chunk, done),
    writev: (chunks: { chunk: Uint8Array }[], done) => {
      socket.cork()
      chunks.forEach(
        ({ chunk }, index) => void (index + 1 < chunks.length ? socket.write(chunk) : socket.write(chunk, done)),
      )
      socket.uncork()
    },
    final: (done) => void socket.end(() => done()),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    if (!transport.push(chunk)) socket.pause()
  })
  socket.on('end', () => transport.push(null))
  socket.on('error', () => transport.destroy())
  socket.on('close', () => transport.destroy())
  return transport
}

/**
 * What an HTTP/2 session may run on. A session that takes over a TLS socket natively aborts the process where a write
 * fails on a connection gone silent (https://github.com/nodejs/node/issues/61304), so TLS goes through streams.
 */
export const http2Transport = (socket: Socket): Duplex =>
  socket instanceof TLSSocket ? throughStreams(socket) : socket
