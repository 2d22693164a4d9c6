import { describeLinkCompliance, type LinkFixture, type LinkFixtureOptions } from '../simulator/link-compliance.ts'
import { selfSigned } from './self-signed.ts'
import { socketAgent, startMarket, startWire, type Wire } from './socket-fixture.ts'

const createFixture =
  (scheme: 'http' | 'https') =>
  async ({ handlers, limits = {} }: LinkFixtureOptions): Promise<LinkFixture> => {
    const tls = scheme === 'https' ? selfSigned() : undefined
    const market = await startMarket({ handlers, limits, ...(tls === undefined ? {} : { tls }) })
    const wires: Wire[] = []
    return {
      agent: async (clockOffsetMs = 0) => {
        const wire = await startWire(market.port)
        wires.push(wire)
        const ca = tls === undefined ? [] : [tls.cert]
        return { ...socketAgent(wire.port, { clockOffsetMs, limits, scheme, ca }), cut: wire.cut, hold: wire.hold }
      },
      shutDown: () => market.links.close(),
      stop: async () => {
        await Promise.all(wires.map((wire) => wire.stop()))
        await market.stop()
      },
    }
  }

describeLinkCompliance('the plain', createFixture('http'))
describeLinkCompliance('the TLS', createFixture('https'))
