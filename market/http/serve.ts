import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import type { LinkServer } from '../link/link-server.ts'

export interface Served {
  readonly url: string
  /** Stops accepting, ends what is open, and resolves when all sockets are gone. */
  close(): Promise<void>
}

const linkPath = '/v1/agent/link'

const listen = (server: Server, port: number, host: string): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the server has no address'))
      else resolve(address)
    })
  })

/** Puts the app and the link server behind one HTTP port. */
export const serve = async (app: Hono, links: LinkServer, host: string, port: number): Promise<Served> => {
  const listener = getRequestListener(app.fetch)
  const server = createServer({ requestTimeout: 0 }, (request, response) => void listener(request, response))
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    if (request.url?.split('?')[0] === linkPath) return links.handleUpgrade(request, socket, head)
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
  })
  const address = await listen(server, port, host)
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `http://${shown}:${address.port}`,
    close: async () => {
      await links.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
