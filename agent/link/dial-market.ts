import {
  defaultLinkLimits,
  linkClosed,
  MusterError,
  nodeUrls,
  type DialMarket,
  type MarketPeer,
  type Signer,
  type World,
} from '@muster/protocol'
import { createConnector, type MarketConnection } from './connect-market.ts'
import { silentLog, type DialerOptions, type LinkLog } from './dialer-options.ts'
import { createMarketPeer, type HalfMarketPeer } from './market-peer.ts'
import { openSocket } from './open-socket.ts'

export interface DialerModules {
  readonly world: World
  readonly signer: Signer
  readonly log?: LinkLog
}

const tooSlow = (handshakeMs: number): MusterError =>
  new MusterError({
    code: 'link_closed',
    message: `The market did not open the link within ${handshakeMs} ms.`,
    facts: { reason: 'silent', handshakeMs },
  })

/**
 * Dials one market, a node of it that answered last, or the next one where that did not. Each dial makes two connections, control then data, and rejects with what the market refused it
 * with: `link_superseded`, `clock_skewed`, `signature_invalid`; `link_closed` where it cannot be reached in time.
 */
export const createDialer = (options: DialerOptions, { world, signer, log = silentLog }: DialerModules): DialMarket => {
  const limits = { ...defaultLinkLimits, ...options.limits }
  const nodes = nodeUrls(options.marketUrl).map((url) => createConnector(url, options.ca ?? []))
  let at = 0

  return async (epoch, handlers) => {
    const connect = nodes[at % nodes.length]
    if (connect === undefined) throw linkClosed('lost')
    const connections: MarketConnection[] = []
    let half: HalfMarketPeer | undefined
    let isLate = false

    const open = async (kind: 'control' | 'data') => {
      const connection = connect()
      connections.push(connection)
      const request = { kind, epoch, chainId: options.chainId, market: options.market }
      const opened = await openSocket(connection, request, { world, signer })
      if (!isLate) return opened
      opened.socket.destroy()
      throw linkClosed('lost')
    }

    const dial = async (): Promise<MarketPeer> => {
      const control = await open('control')
      half = createMarketPeer(control.market, control.socket, { world, log, handlers, limits })
      const data = await open('data')
      return await half.complete(data.socket)
    }

    const late = Promise.withResolvers<never>()
    const timer = world.after(limits.handshakeMs, () => late.reject(tooSlow(limits.handshakeMs)))
    try {
      return await Promise.race([dial(), late.promise])
    } catch (error) {
      isLate = true
      at++
      half?.abandon()
      throw error
    } finally {
      timer.cancel()
      for (const connection of connections) connection.close()
    }
  }
}
