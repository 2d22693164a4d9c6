import { fromHex, systemWorld, toHex, type Address, type World } from '@muster/protocol'
import { describeLinkCompliance, type LinkFixtureOptions } from './link-compliance.ts'
import { createMemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'

const addressOf = (index: number): Address => toHex(fromHex(`0x${index.toString(16).padStart(40, '0')}`)) as Address
const market = addressOf(0xffff)

const lcg = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const createFixture =
  (network: MemoryNetworkOptions) =>
  async ({ handlers, limits = {} }: LinkFixtureOptions) => {
    const { agent, listen } = createMemoryNetwork(systemWorld, lcg(7), { ...network, limits })
    const newest = new Map<Address, number>()
    const listener = listen({
      market,
      world: systemWorld,
      handlers: {
        onOpen: (peer) => handlers.onOpen(peer),
        onMessage: (peer, message) => handlers.onMessage(peer, message),
        onClose: (peer, reason) => handlers.onClose(peer, reason),
      },
      acceptEpoch: async (provider, epoch) => {
        if ((newest.get(provider) ?? 0) >= epoch) return false
        newest.set(provider, epoch)
        return true
      },
    })
    let agents = 0
    return {
      agent: async (clockOffsetMs = 0) => {
        const world: World = { ...systemWorld, now: () => systemWorld.now() + clockOffsetMs }
        agents += 1
        const address = addressOf(agents)
        return { address, ...agent(address, market, world) }
      },
      shutDown: async () => listener.close(),
      stop: async () => listener.close(),
    }
  }

describeLinkCompliance('the in-memory', createFixture({}))
describeLinkCompliance(
  'the slow in-memory',
  createFixture({ latencyMs: { min: 0, max: 12 }, noticeMs: { min: 0, max: 20 } }),
)
