import {
  findNearMisses,
  tellNoFit,
  type Address,
  type AgentPeer,
  type Demand,
  type MachineStanding,
  type SignedOffer,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from '../supply/supply.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { createFindNear } from './find-near.ts'

const demand: Demand = {
  slots: 1,
  runtime: 'noop',
  resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
  placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
  maxPrice: { nanoUsd: 10n, per: 'task' },
}
const options = { needsSlots: true, unbonded: new Set<never>(), declined: new Set<never>() }
const standing: MachineStanding = {
  gflops: 1,
  soldGflops: null,
  isLow: false,
  isBelowSold: false,
  reproduces: true,
  downMbps: 1,
  upMbps: 1,
}
const priced = (n: number, nanoUsd: bigint, slots = 1): SignedOffer =>
  testOffer({ id: testOfferId(n), provider: testProvider(n), slots, price: { nanoUsd, per: 'task' } })

const setUp = (own: readonly SignedOffer[], others?: readonly SignedOffer[]) => {
  const world = createVirtualWorld()
  const supply = createSupply(world)
  for (const offer of own) {
    const peer = { provider: offer.record.provider, epoch: 1 } as AgentPeer
    supply.link(peer)
    supply.replace(peer, { offers: [offer], counted: [] })
  }
  const asked: boolean[] = []
  const elsewhere = async (isBelieved: boolean) => {
    asked.push(isBelieved)
    return [...(others ?? [])]
  }
  const looked: (readonly Address[])[] = []
  const standingsOf = async (providers: readonly Address[]) => {
    looked.push(providers)
    return new Map([[testProvider(4), { ...standing, gflops: 20 }]])
  }
  const modules = { world, supply, standingsOf, ...(others === undefined ? {} : { elsewhere }) }
  return { world, asked, looked, findNear: createFindNear(modules) }
}

test('what is near of several nodes is what would be near of one', async () => {
  const own = [priced(1, 30n), priced(2, 5n, 0), priced(3, 50n)]
  const others = [priced(4, 20n), priced(5, 40n), priced(6, 7n, 0), priced(7, 60n)]
  const { findNear, world, asked } = setUp(own, others)
  const found = await findNear(demand, options)
  expect(found).toEqual(findNearMisses(demand, [...own, ...others], world.now(), options))
  expect(found.nearest.map(({ price }) => price)).toEqual([5n, 7n, 20n, 30n, 40n])
  expect(tellNoFit(demand, found).message).toMatch(/^2 of 7 offers fit, and all their slots are taken/)
  expect(asked).toEqual([true])
})

test('however many ask, other nodes are asked once a second, and seen as they are then', async () => {
  const others = [priced(4, 20n)]
  const { findNear, world, asked } = setUp([], others)
  await Promise.all(Array.from({ length: 100 }, () => findNear(demand, options)))
  others.push(priced(5, 40n))
  await world.advance(999)
  expect(await findNear(demand, options)).toMatchObject({ offers: 1 })
  expect(asked).toEqual([true])
  await findNear(demand, { ...options, needsSlots: false })
  expect(asked).toEqual([true, false])
  await world.advance(1)
  expect(await findNear(demand, options)).toMatchObject({ offers: 2 })
  expect(asked).toEqual([true, false, true])
})

test('an offer elsewhere that is busy counts where slots are not asked for', async () => {
  const { findNear, asked } = setUp([priced(1, 30n)], [priced(2, 5n, 0)])
  expect((await findNear(demand, { ...options, needsSlots: false })).fitting).toBe(1)
  expect(asked).toEqual([false])
})

test('a machine that is linked elsewhere lacks no speed that the market measured of it, which is looked up once', async () => {
  const { findNear, looked } = setUp([], [priced(4, 30n), priced(5, 40n)])
  await findNear(demand, options)
  expect(looked).toEqual([])
  const fast = { ...demand, resources: { ...demand.resources, gflops: 10, reproducible: true as const } }
  for (let time = 0; time < 2; time++) {
    const { nearest } = await findNear(fast, options)
    expect(nearest.map(({ failed }) => failed.map(({ requirement }) => requirement))).toEqual([
      ['price'],
      ['resources.gflops', 'resources.reproducible', 'price'],
    ])
  }
  expect(looked).toEqual([[testProvider(4), testProvider(5)]])
})

test('one node says so where no agent is linked', async () => {
  const { findNear } = setUp([])
  expect(tellNoFit(demand, await findNear(demand, options)).message).toMatch(/^No agent that is linked/)
})
