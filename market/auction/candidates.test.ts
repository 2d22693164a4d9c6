import type { Address, AgentPeer, Job, Reliability } from '@muster/protocol'
import { rankEffective } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from '../supply/supply.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { createCandidates } from './candidates.ts'
import { createFindOffers } from './find-offers.ts'

const job = (failed: readonly Address[] = [], award = 'lowest', per = 'task'): Job =>
  ({
    execSpec: '',
    order: {
      record: {
        award,
        slots: 4,
        runtime: 'noop',
        resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
        placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
        maxPrice: { nanoUsd: 10_000n, per },
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

const work = { durationMs: 3_600_000, startMs: 0, operators: 1, transferNanoUsd: 0, checkpoint: null }

/** A market whose n-th machine asks so much a task and vanishes so often. */
const setUpRanked = (
  machines: readonly { readonly nanoUsd: number; readonly hazardPerHour: number }[],
  per: 'task' | 'hour' = 'task',
) => {
  const supply = createSupply(createVirtualWorld())
  const pages: number[] = []
  machines.forEach(({ nanoUsd }, n) => {
    const peer = { provider: testProvider(n), epoch: 1 } as AgentPeer
    supply.link(peer)
    const price = { nanoUsd: BigInt(nanoUsd), per }
    supply.replace(peer, { offers: [testOffer({ id: testOfferId(n), provider: peer.provider, price })], counted: [] })
  })
  const reliabilityOf = (provider: Address): Reliability => ({
    hazardPerHour: machines[Number(provider)]?.hazardPerHour ?? 0,
    success: 1,
    startFactor: 1,
    durationFactor: 1,
  })
  const ranked = job([], 'effective', per)
  const findOffers = createFindOffers(supply)
  const candidates = createCandidates(ranked, {
    supply,
    termMs: 3_600_000,
    findOffers: (demand, page) => {
      pages.push(page.limit)
      return findOffers(demand, page)
    },
    bondCover: async (unknown) => new Map([...unknown].map((provider) => [provider, 1])),
    records: { expect: async () => reliabilityOf, workOf: () => work },
  })
  const best = rankEffective([...supply.free()], reliabilityOf, work)
  return { candidates, pages, best: best.map(({ effective }) => effective.nanoUsd), reliabilityOf }
}

test('under `effective` those asked first are the best of all, however few were looked up', async () => {
  const machine = fc.record({
    nanoUsd: fc.integer({ min: 1, max: 9_999 }),
    hazardPerHour: fc.double({ min: 0, max: 3, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(machine, { minLength: 1, maxLength: 900 }),
      fc.integer({ min: 1, max: 40 }),
      async (all, slots) => {
        const { candidates, best, reliabilityOf } = setUpRanked(all)
        await candidates.lookUp(slots)
        const found = rankEffective(candidates.offers, reliabilityOf, work)
        expect(found.map(({ offer }) => offer)).toEqual(candidates.offers)
        const asked = 2 * slots
        expect(found.slice(0, asked).map(({ effective }) => effective.nanoUsd)).toEqual(best.slice(0, asked))
      },
    ),
    { numRuns: 60 },
  )
})

test('under `effective` no more is looked up than what a dearer offer could not be better than', async () => {
  const steady = Array.from({ length: 1_000 }, (_, n) => ({ nanoUsd: 1_000 + n, hazardPerHour: 0 }))
  const { candidates, pages } = setUpRanked(steady)
  await candidates.lookUp(4)
  expect(pages).toEqual([128])
  const flaky = setUpRanked(steady.map(({ nanoUsd }) => ({ nanoUsd, hazardPerHour: 1.5 })))
  await flaky.candidates.lookUp(4)
  expect(flaky.pages).toEqual([128, 128, 256, 512])
  const hourly = setUpRanked([...steady, ...steady], 'hour')
  await hourly.candidates.lookUp(4)
  expect(hourly.pages).toEqual([128, 896])
})
