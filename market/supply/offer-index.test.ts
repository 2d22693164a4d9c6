import fc from 'fast-check'
import { rankOffers, type Demand, type Offer, type SignedOffer } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createOfferIndex } from './offer-index.ts'
import { attestation, auditors, playSteps, testStep } from './test-market.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

const nameOf = ({ record }: SignedOffer): string => `${record.price.nanoUsd} ${record.id} ${record.provider}`

describe('the index of offers', () => {
  test('gives what the plain rule gives, whatever changes', async () => {
    const answers = { some: 0, none: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(testStep, { minLength: 60, maxLength: 120, size: 'max' }), (steps) =>
        playSteps(steps, (supply, demand, limit, now) => {
          const wanted = rankOffers(demand, supply.believed(), now).map(nameOf)
          answers[wanted.length > 0 ? 'some' : 'none']++
          const found: SignedOffer[] = []
          for (;;) {
            const after = found.at(-1)
            const page = supply.cheapest(demand, { limit, ...(after === undefined ? {} : { after }) })
            found.push(...page)
            if (page.length < limit) break
          }
          expect(found.map(nameOf)).toEqual(wanted)
          for (const offer of found) expect(supply.freeSlots(offer)).toBeGreaterThan(0)
        }),
      ),
      { numRuns: 400 },
    )
    expect(answers.some).toBeGreaterThan(500)
    expect(answers.none).toBeGreaterThan(500)
  })

  test.each<[string, Partial<Offer>, Partial<Demand['placement']>]>([
    ['region', { region: 'mars' }, { regions: ['mars'] }],
    ['country', { country: 'SE' }, { countries: ['SE'] }],
    ['operator', { operator: 'acme' }, { operators: ['acme'] }],
    ['attributes', { attributes: { disk: 'nvme' } }, { attributes: { disk: 'nvme' } }],
    [
      'signers',
      { attestations: auditors.map((auditor) => attestation(auditor, testProvider(7), 100)) },
      { signedBy: { anyOf: [], allOf: auditors } },
    ],
  ])('finds an offer among many by its new %s, and not by those it had', (_, change, placement) => {
    const index = createOfferIndex({ rowsOf: () => [] })
    const offers = Array.from({ length: 500 }, (_unused, n) =>
      testOffer({ id: testOfferId(n), provider: testProvider(n) }),
    )
    const rows = offers.map((offer) => index.add(offer))
    for (const row of rows) index.open(row)
    const asking: Demand = {
      slots: 1,
      runtime: 'noop',
      resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
      placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {}, ...placement },
      maxPrice: { nanoUsd: 2_000n, per: 'task' },
    }
    const find = () => index.cheapest(asking, 1, { limit: 5 }).map(({ record }) => record.provider)
    expect(find()).toEqual([])
    const [row = -1, offer] = [rows[7], offers[7]]
    if (offer === undefined) return
    index.replace(row, { ...offer, record: { ...offer.record, ...change } })
    expect(find()).toEqual([testProvider(7)])
    index.replace(row, offer)
    expect([find(), index.openCount()]).toEqual([[], 500])
  })

  test('finds an offer whose slots got GPUs, at the price it had', () => {
    const index = createOfferIndex({ rowsOf: () => [] })
    const offer = testOffer({ id: testOfferId(1), provider: testProvider(1) })
    const row = index.add(offer)
    index.open(row)
    const { resources } = offer.record
    const asking: Demand = {
      slots: 1,
      runtime: 'noop',
      resources: { ...resources, gpuCount: 2 },
      placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
      maxPrice: { nanoUsd: 2_000n, per: 'task' },
    }
    expect(index.cheapest(asking, 1, { limit: 5 })).toEqual([])
    index.replace(row, { ...offer, record: { ...offer.record, resources: { ...resources, gpuCount: 2 } } })
    expect(index.cheapest(asking, 1, { limit: 5 })).toHaveLength(1)
  })

  test('finds the same in a shelf of many as in a list of few', () => {
    const index = createOfferIndex({ rowsOf: () => [] })
    const offers: SignedOffer[] = []
    for (let n = 0; n < 6_000; n++) {
      const offer = testOffer({
        id: testOfferId(n),
        provider: testProvider(n),
        region: n % 3_000 === 7 ? 'rare' : `r${n % 20}`,
        attributes: n % 2_999 === 5 ? { name: 'attic' } : { tier: n % 3 === 0 ? 'a' : 'b' },
        price: { nanoUsd: BigInt((n * 7_919) % 1_000), per: 'task' },
        resources: { cpuMilli: 1000, memoryBytes: 1024 * (1 + (n % 50)), diskBytes: 0, gpuCount: 0 },
      })
      index.open(index.add(offer))
      offers.push(offer)
    }
    const asking = (placement: object, memoryBytes = 1): Demand => ({
      slots: 1,
      runtime: 'noop',
      resources: { cpuMilli: 1, memoryBytes, diskBytes: 0, gpuCount: 0 },
      placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {}, ...placement },
      maxPrice: { nanoUsd: 2_000n, per: 'task' },
    })
    const demands = [
      asking({}),
      asking({ regions: ['rare'] }),
      asking({ regions: ['rare', 'r3'] }, 1024 * 40),
      asking({ attributes: { name: 'attic' } }),
      asking({ attributes: { tier: 'a' }, countries: ['NL'] }, 1024 * 50),
    ]
    for (const each of demands) {
      const wanted = rankOffers(each, offers, 1)
      expect(wanted.length).toBeGreaterThan(0)
      for (const limit of [1, 7, 10_000])
        expect(index.cheapest(each, 1, { limit }).map(nameOf)).toEqual(wanted.slice(0, limit).map(nameOf))
    }
  })

  test('takes more kinds of GPU than it keeps shelves for', () => {
    const index = createOfferIndex({ rowsOf: () => [] })
    const rows: number[] = []
    const offers: SignedOffer[] = []
    for (let n = 0; n < 2_500; n++) {
      const offer = testOffer({
        id: testOfferId(n),
        provider: testProvider(n),
        resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 1 },
        gpus: [{ uuid: 'GPU-1', vendor: 'nvidia', model: `m${n % 2_400}`, vramBytes: 1 }],
        price: { nanoUsd: BigInt(2_500 - n), per: 'task' },
      })
      offers.push(offer)
      rows.push(index.add(offer))
      index.open(rows[n] ?? -1)
    }
    const wanting = (models: string[]): Demand => ({
      slots: 1,
      runtime: 'noop',
      resources: {
        cpuMilli: 1,
        memoryBytes: 1,
        diskBytes: 0,
        gpuCount: 1,
        gpu: { vendors: [], models, vramBytes: 0, interfaces: [] },
      },
      placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
      maxPrice: { nanoUsd: 9_000n, per: 'task' },
    })
    for (const models of [['m3'], ['m2399', 'm2'], []]) {
      expect(index.cheapest(wanting(models), 1, { limit: 9_000 }).map(nameOf)).toEqual(
        rankOffers(wanting(models), offers, 1).map(nameOf),
      )
    }
    for (const row of rows) index.remove(row)
    expect([index.openCount(), index.cheapest(wanting([]), 1, { limit: 1 })]).toEqual([0, []])
  })
})
