import fc from 'fast-check'
import {
  failedRequirements,
  rankOffers,
  type AgentPeer,
  type Demand,
  type MachineStanding,
  type Offer,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from './supply.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

const must = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('it is there')
  return value
}

type Machine = Pick<MachineStanding, 'gflops' | 'reproduces'>

const demandOf = (change: Partial<Demand['resources']>): Demand => ({
  slots: 1,
  resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 0, ...change },
  runtime: 'noop',
  placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
  maxPrice: { nanoUsd: 1_000n, per: 'task' },
})

const setUp = (machines: readonly { readonly stated?: number; readonly machine?: Machine }[]) => {
  const world = createVirtualWorld()
  const measured = (provider: Offer['provider']) =>
    machines.find((_, index) => testProvider(index + 1) === provider)?.machine
  const supply = createSupply(world, measured)
  const offers = machines.map(({ stated }, index) =>
    testOffer({
      id: testOfferId(index),
      provider: testProvider(index + 1),
      ...(stated === undefined ? {} : { gflops: stated }),
    }),
  )
  for (const offer of offers) {
    const peer = { provider: offer.record.provider, epoch: 1 } as AgentPeer
    supply.link(peer)
    supply.replace(peer, { offers: [offer], counted: [] })
  }
  const found = (demand: Demand) =>
    supply.cheapest(demand, { limit: 100 }).map(({ record }) => Number(record.provider) - 1)
  return { world, supply, offers, measured, found }
}

test('what was measured counts, and what is stated only where nothing was', () => {
  const { found, offers, measured } = setUp([
    { stated: 20 },
    { stated: 20, machine: { gflops: 7, reproduces: true } },
    { machine: { gflops: 12.5, reproduces: null } },
    {},
  ])
  expect(found(demandOf({ gflops: 10 }))).toEqual([0, 2])
  expect(found(demandOf({ gflops: 5 }))).toEqual([0, 1, 2])
  expect(found(demandOf({}))).toEqual([0, 1, 2, 3])
  const [, slow] = offers
  expect(failedRequirements({ ...demandOf({ gflops: 100 }), measured }, must(slow).record, 0)).toEqual([
    { requirement: 'resources.gflops', expected: 'at least 100', found: '7' },
  ])
})

test('a machine that differs, or that nobody tried, is not one that reproduces', () => {
  const { found } = setUp([
    { stated: 20 },
    { machine: { gflops: 1, reproduces: false } },
    { machine: { gflops: 1, reproduces: true } },
    { machine: { gflops: 1, reproduces: null } },
  ])
  expect(found(demandOf({ reproducible: true }))).toEqual([2])
})

test('the index finds what the plain rule does', () => {
  const machine = fc.record({ gflops: fc.integer({ min: 1, max: 20 }), reproduces: fc.constantFrom(true, false, null) })
  const one = fc.record({ stated: fc.integer({ min: 1, max: 20 }), machine }, { requiredKeys: [] })
  const asked = fc.record(
    { gflops: fc.integer({ min: 1, max: 20 }), reproducible: fc.constant<true>(true) },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), asked, (machines, change) => {
      const { supply, offers, measured, world } = setUp(machines)
      const demand = demandOf(change)
      expect(supply.cheapest(demand, { limit: 100 })).toEqual(rankOffers({ ...demand, measured }, offers, world.now()))
    }),
  )
})
