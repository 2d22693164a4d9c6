import type { Address, AgentPeer, Demand } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createFindOffers } from '../auction/find-offers.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { listCheapest } from './list-cheapest.ts'
import { matchDemand } from './match-demand.ts'
import { createSupply, type Supply } from './supply.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

const demand: Demand = {
  slots: 1,
  runtime: 'noop',
  resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
  placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
  maxPrice: { nanoUsd: 10_000n, per: 'task' },
}

const setUp = (providers: number, slots: number) => {
  const supply = createSupply(createVirtualWorld())
  for (let n = 0; n < providers; n++) {
    const provider = testProvider(n)
    const peer = { provider, epoch: 1 } as AgentPeer
    supply.link(peer)
    const offer = testOffer({
      id: testOfferId(n),
      provider,
      slots,
      price: { nanoUsd: BigInt((n * 37) % 1_000), per: 'task' },
    })
    supply.replace(peer, { offers: [offer], counted: [] })
  }
  return supply
}

const match = (supply: Supply, cover: ReadonlyMap<Address, number>) =>
  matchDemand(demand, createFindOffers(supply), supply, cover)

test('a match counts every slot that fits and shows the cheapest offers', async () => {
  const { slots, offers } = await match(setUp(700, 3), new Map())
  expect([slots, offers.length]).toEqual([2_100, 200])
  expect(offers.slice(0, 3).map(({ record }) => record.price.nanoUsd)).toEqual([0n, 12n, 13n])
})

test('a stake counts for as many slots as it covers, and for none at all hides the offer', async () => {
  const cover = new Map([
    [testProvider(0), 0],
    [testProvider(1), 2],
  ])
  const { slots, offers } = await match(setUp(3, 5), cover)
  expect(slots).toBe(7)
  expect(offers.map(({ record }) => record.provider)).toEqual([testProvider(1), testProvider(2)])
})

test('it counts no further than an order may go', async () => {
  expect((await match(setUp(600, 100), new Map())).slots).toBeLessThan(40_000)
})

test('the cheapest of all offers are those a sort would give', async () => {
  const offers = [...setUp(999, 1).all()]
  const prices = (limit: number) => listCheapest(offers, limit).map(({ record }) => record.price.nanoUsd)
  const sorted = offers.map(({ record }) => record.price.nanoUsd).toSorted((a, b) => Number(a - b))
  for (const limit of [1, 10, 499, 500, 2_000]) expect(prices(limit)).toEqual(sorted.slice(0, limit))
})
