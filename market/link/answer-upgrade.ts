import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { encodeProblem, linkProtocol, problemType } from '@muster/protocol'

export const acceptUpgrade = (socket: Duplex): void => {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${linkProtocol}\r\n\r\n`)
}

/** Answers an upgrade request with a problem and closes its connection. */
export const refuseUpgrade = (socket: Duplex, status: number, error: unknown): void => {
  if (socket.destroyed) return
  const body = encodeProblem(error)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  socket.end(body, () => socket.destroy())
}
