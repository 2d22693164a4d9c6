import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import {
  createSigner,
  createVerifier,
  loadSecp256k1,
  routes,
  systemWorld,
  type Address,
  type LinkLimits,
  type PeerHandlers,
  type Signer,
  type World,
} from '@muster/protocol'
import { createDialer } from '../../agent/link/dial-market.ts'
import { createLinkServer, type LinkServer, type LinkServerModules } from '../../market/link/link-server.ts'
import type { LinkServerOptions } from '../../market/link/link-options.ts'

export const chainId = 31_337
const secp256k1 = await loadSecp256k1()
export const verifier = createVerifier(secp256k1)

export const newSigner = (): Signer => createSigner(secp256k1, systemWorld.random(32))

const readText = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

export interface MarketFixture {
  readonly market: Address
  readonly port: number
  readonly links: LinkServer
  readonly log: {
    readonly level: string
    readonly message: string
    readonly facts: Readonly<Record<string, unknown>>
  }[]
  stop(): Promise<void>
}

export interface MarketFixtureOptions {
  readonly handlers: PeerHandlers
  readonly limits?: Partial<LinkLimits>
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly server?: Partial<LinkServerOptions>
  readonly modules?: Partial<LinkServerModules>
}

export const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))

/** A market node that is nothing but its link, on a real port. */
export const startMarket = async (options: MarketFixtureOptions): Promise<MarketFixture> => {
  const market = newSigner().address
  const log: MarketFixture['log'] = []
  const newest = new Map<Address, number>()
  const links = createLinkServer(
    { market, chainId, ...(options.limits === undefined ? {} : { limits: options.limits }), ...options.server },
    {
      world: systemWorld,
      verifier,
      handlers: options.handlers,
      acceptEpoch: async (provider, epoch) => {
        if ((newest.get(provider) ?? 0) >= epoch) return false
        newest.set(provider, epoch)
        return true
      },
      log: {
        info: (message, facts) => void log.push({ level: 'info', message, facts }),
        warn: (message, facts) => void log.push({ level: 'warn', message, facts }),
      },
      ...options.modules,
    },
  )
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void readText(request).then((text) => {
      const { provider } = routes.challenge.body.parse(JSON.parse(text))
      response.writeHead(routes.challenge.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(links.issueChallenge(provider)))
    })
  }
  const server = options.tls === undefined ? createHttpServer(answer) : createHttpsServer(options.tls, answer)
  server.on('upgrade', (request, socket, head) => links.handleUpgrade(request, socket, head))
  const port = await listen(server)
  return {
    market,
    port,
    links,
    log,
    stop: async () => {
      await links.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A wire between an agent and a market that can be cut, or held without either end being told. */
export interface Wire {
  readonly port: number
  cut(): void
  hold(isHeld: boolean): void
  stop(): Promise<void>
}

export const startWire = async (targetPort: number): Promise<Wire> => {
  const sockets = new Set<Socket>()
  let isHeld = false
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from)
    if (isHeld) from.pause()
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!isHeld) from.resume()
    })
    from.on('end', () => to.end())
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    join(near, far)
    join(far, near)
  })
  const port = await listen(server)
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    cut,
    hold: (held) => {
      isHeld = held
      for (const socket of sockets) {
        if (held) socket.pause()
        else socket.resume()
      }
    },
    stop: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface SocketAgentOptions {
  readonly signer?: Signer
  readonly clockOffsetMs?: number
  readonly limits?: Partial<LinkLimits>
  readonly ca?: readonly string[]
  readonly scheme?: 'http' | 'https'
}

/** A dialer to this port with a key of its own. */
export const socketAgent = (port: number, options: SocketAgentOptions = {}) => {
  const { signer = newSigner(), clockOffsetMs = 0, limits = {}, ca = [], scheme = 'http' } = options
  const world: World = { ...systemWorld, now: () => systemWorld.now() + clockOffsetMs }
  const marketUrl = `${scheme}://127.0.0.1:${port}`
  return { address: signer.address, dial: createDialer({ marketUrl, chainId, limits, ca }, { world, signer }) }
}
