import fc from 'fast-check'
import {
  findNearMisses,
  isBusy,
  missOf,
  type NearMisses,
  type OutOfRace,
  type PricedMiss,
  type SignedOffer,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { Demand } from '@muster/protocol'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from './supply.ts'
import { playSteps, testStep } from './test-market.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

const isExact = (miss: PricedMiss): boolean => isBusy(miss) || miss.failed.length <= 1

/** The offers as `requireSupply` means them: each will have a slot some time. */
const whenFree = (offers: Iterable<SignedOffer>): SignedOffer[] =>
  [...offers].map((offer) => ({ ...offer, record: { ...offer.record, slots: Math.max(1, offer.record.slots) } }))

const requireSame = (found: NearMisses, plain: NearMisses, judge: (miss: PricedMiss) => PricedMiss): void => {
  expect([found.offers, found.fitting, found.isMore]).toEqual([plain.offers, plain.fitting, false])
  expect(found.nearest.filter(isExact)).toEqual(plain.nearest.filter(isExact))
  expect(found.nearest.length).toBe(plain.nearest.length)
  for (const miss of found.nearest) expect(miss).toEqual(judge(miss))
}

describe('what is near a demand', () => {
  test('is what the plain rule says, as far as one requirement is failed, and true beyond', async () => {
    const seen = { exact: 0, far: 0 }
    const providers = fc.subarray([0, 1, 2, 3, 4, 5].map(testProvider))
    const out = fc.record({ unbonded: providers, declined: providers })
    await fc.assert(
      fc.asyncProperty(
        fc.array(testStep, { minLength: 60, maxLength: 120, size: 'max' }),
        out,
        fc.boolean(),
        (steps, { unbonded, declined }, needsSlots) =>
          playSteps(steps, (supply, demand, _limit, now) => {
            const race: OutOfRace = { unbonded: new Set(unbonded), declined: new Set(declined) }
            const offers = needsSlots ? [...supply.believed()] : whenFree(supply.all())
            const plain = findNearMisses(demand, offers, now, race)
            for (const miss of plain.nearest) seen[isExact(miss) ? 'exact' : 'far']++
            requireSame(supply.nearMisses(demand, { ...race, needsSlots }), plain, ({ offer, provider }) => {
              const record = offers.find(
                (each) => each.record.id === offer && each.record.provider === provider,
              )?.record
              if (record === undefined) throw new Error('an offer that is none')
              return missOf(demand, record, now, race)
            })
          }),
      ),
      { numRuns: 60 },
    )
    expect(Math.min(seen.exact, seen.far)).toBeGreaterThan(300)
  })

  const asking: Demand = {
    slots: 1,
    runtime: 'noop',
    resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
    placement: { regions: ['mars'], countries: [], providers: [], excludeProviders: [], attributes: {} },
    maxPrice: { nanoUsd: 2_000n, per: 'task' },
  }
  const nobody: OutOfRace = { unbonded: new Set(), declined: new Set() }
  const supplyOf = (count: number, slots: number, region: string) => {
    const supply = createSupply(createVirtualWorld())
    for (let n = 0; n < count; n++) {
      const provider = testProvider(n)
      const peer = { provider, epoch: 1 }
      supply.link(peer as never)
      const price = { nanoUsd: BigInt(n % 977), per: 'task' as const }
      const offer = testOffer({ id: testOfferId(n), provider, slots, region, price })
      supply.replace(peer as never, { offers: [offer], counted: [] })
    }
    return supply
  }

  test('is counted up to a thousand that are busy', () => {
    const { fitting, isMore, offers, nearest } = supplyOf(1_500, 0, 'mars').nearMisses(asking, {
      ...nobody,
      needsSlots: true,
    })
    expect([fitting, isMore, offers, nearest.length]).toEqual([1_000, true, 1_500, 5])
    expect(nearest.every(isBusy)).toBe(true)
  })

  test('is found behind many that cannot win', () => {
    const supply = supplyOf(500, 1, 'earth')
    const unbonded = new Set(Array.from({ length: 400 }, (_, n) => testProvider(n)))
    const { nearest } = supply.nearMisses(asking, { ...nobody, unbonded, needsSlots: true })
    expect(nearest.map(({ price, failed }) => [price, failed.map(({ requirement }) => requirement)])).toEqual(
      [400n, 401n, 402n, 403n, 404n].map((price) => [price, ['placement.regions']]),
    )
  })
})
