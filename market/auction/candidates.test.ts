import type { Address, AgentPeer, Job } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from '../supply/supply.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { createCandidates } from './candidates.ts'
import { createFindOffers } from './find-offers.ts'

const job = (failed: readonly Address[] = []): Job =>
  ({
    execSpec: '',
    order: {
      record: {
        award: 'lowest',
        slots: 4,
        runtime: 'noop',
        resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
        placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
        maxPrice: { nanoUsd: 10_000n, per: 'task' },
      },
    },
    spec: { limits: { taskTimeoutMs: 1_000 } },
    resizes: [],
    leases: new Map(failed.map((provider, index) => [String(index), { provider, closed: 'lost' }])),
  }) as unknown as Job

const setUp = (providers: number, stakeOf: (n: number) => number, failed: readonly number[] = []) => {
  const supply = createSupply(createVirtualWorld())
  const asked: number[] = []
  for (let n = 0; n < providers; n++) {
    const peer = { provider: testProvider(n), epoch: 1 } as AgentPeer
    supply.link(peer)
    const price = { nanoUsd: BigInt(n), per: 'task' as const }
    supply.replace(peer, { offers: [testOffer({ id: testOfferId(n), provider: peer.provider, price })], counted: [] })
  }
  const candidates = createCandidates(job(failed.map(testProvider)), {
    supply,
    termMs: 3_600_000,
    findOffers: createFindOffers(supply),
    bondCover: async (unknown) => {
      asked.push(unknown.size)
      return new Map([...unknown].map((provider) => [provider, stakeOf(Number(provider))]))
    },
    records: { expect: async () => () => ({}) as never, workOf: () => ({}) as never },
  })
  const found = () => candidates.offers.map(({ record }) => Number(record.provider))
  return { supply, candidates, asked, found }
}

test('a few of very many are looked up, the cheapest first', async () => {
  const { candidates, asked, found } = setUp(5_000, () => 1)
  await candidates.lookUp(4)
  expect(found()).toEqual(Array.from({ length: 64 }, (_, n) => n))
  expect([asked, candidates.isExhausted()]).toEqual([[64], false])
  await candidates.lookUp(4)
  expect(found()).toHaveLength(128)
})

test('offers without stake, however many and cheap, do not keep those behind them from being asked', async () => {
  const { supply, candidates, found } = setUp(3_000, (n) => (n < 2_990 ? 0 : 1))
  await candidates.lookUp(4)
  expect(found()).toEqual([2990, 2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999])
  expect(candidates.isExhausted()).toBe(true)
  expect([...supply.free()]).toHaveLength(10)
})

test('those that failed the job come last, once there are no others', async () => {
  const { candidates, found } = setUp(70, () => 1, [0, 3])
  await candidates.lookUp(4)
  expect(found().slice(0, 3)).toEqual([1, 2, 4])
  expect(found()).not.toContain(3)
  await candidates.lookUp(100)
  expect(found().slice(-3)).toEqual([69, 0, 3])
})
