import { silentLog, type Demand, type SignedOffer } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { address } from '../store/test-records.ts'
import type { NodeRow } from '../store/node-store.ts'
import type { Supply } from '../supply/supply.ts'
import type { Hop } from './hop/hop.ts'
import { createMarketSupply } from './market-supply.ts'
import type { RemoteLinks } from './remote-links.ts'
import type { ToldHolds } from './told-holds.ts'

test('an agent elsewhere that says to be somewhere else each time is remembered in its last regions only', async () => {
  const provider = address('b')
  const node = { id: 'node_there', name: 'there' } as NodeRow
  let asked = 0
  const offer = () =>
    ({ record: { id: `off_${++asked}`, provider, region: `region-${asked}` } }) as unknown as SignedOffer
  const market = createMarketSupply({
    world: createVirtualWorld(1),
    local: { peer: () => undefined, heldSlots: () => 0 } as unknown as Supply,
    links: { reachable: () => [node], nodeOf: () => node } as unknown as RemoteLinks,
    holds: { take: () => {} } as unknown as ToldHolds,
    hop: { call: async () => [{ offer: offer(), free: 1 }] } as unknown as Hop,
    isDenied: () => false,
    log: silentLog,
  })
  for (let times = 0; times < 1_000; times++) await market.scatter({} as Demand, { limit: 1 })
  const regions = [...market.regionsOf(provider)]
  expect(regions.at(-1)).toBe('region-1000')
  expect(regions.length).toBeLessThan(100)
})
