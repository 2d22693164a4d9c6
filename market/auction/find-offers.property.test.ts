import type { AgentPeer, Demand, SignedOffer } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply, type Supply } from '../supply/supply.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { createFindOffers } from './find-offers.ts'

const demand: Demand = {
  slots: 1,
  runtime: 'noop',
  resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
  placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
  maxPrice: { nanoUsd: 10_000n, per: 'task' },
}

const put = (supply: Supply, number: number, nanoUsd: number): void => {
  const provider = testProvider(number)
  const peer = { provider, epoch: 1 } as AgentPeer
  supply.link(peer)
  const offer = testOffer({
    id: testOfferId(number),
    provider,
    slots: 1,
    price: { nanoUsd: BigInt(nanoUsd), per: 'task' },
  })
  supply.replace(peer, { offers: [offer], counted: [] })
}

test('the offers of several nodes, page by page, are those of one node that has all the agents', async () => {
  const offers = fc.array(fc.record({ node: fc.nat(2), nanoUsd: fc.nat(6) }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(offers, fc.integer({ min: 1, max: 9 }), async (all, limit) => {
      const world = createVirtualWorld()
      const whole = createSupply(world)
      const nodes = [createSupply(world), createSupply(world), createSupply(world)] as const
      for (const [number, { node, nanoUsd }] of all.entries()) {
        put(whole, number, nanoUsd)
        put(nodes[node] ?? nodes[0], number, nanoUsd)
      }
      const [own, ...others] = nodes
      const find = createFindOffers(own, async (asked, page) => others.map((other) => other.cheapest(asked, page)))
      const found: SignedOffer[] = []
      for (;;) {
        const after = found.at(-1)
        const page = await find(demand, { limit, ...(after === undefined ? {} : { after }) })
        found.push(...page)
        if (page.length < limit) break
      }
      const expected = await createFindOffers(whole)(demand, { limit: 1_000 })
      expect(found.map(({ record }) => record.id)).toEqual(expected.map(({ record }) => record.id))
    }),
    { numRuns: 60 },
  )
})
