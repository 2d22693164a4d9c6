import fc from 'fast-check'
import {
  rankOffers,
  type AgentPeer,
  type Demand,
  type GpuInterface,
  type Offer,
  type SignedAttestation,
  type SignedOffer,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createOfferIndex } from './offer-index.ts'
import { createSupply } from './supply.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

const auditors = [testProvider(0xa1), testProvider(0xa2)]
const market = testProvider(0x33)

const attestation = (
  auditor: Offer['provider'],
  provider: Offer['provider'],
  expiresAt: number,
): SignedAttestation => ({
  record: { kind: 'attestation', market, auditor, provider, attributes: { tier: 'a' }, issuedAt: 0, expiresAt },
  signature: '0x',
})

const gpu = fc.record({
  uuid: fc.constant('GPU-1'),
  vendor: fc.constantFrom('nvidia' as const, 'amd' as const),
  model: fc.constantFrom('NVIDIA H100 80GB HBM3', 'H100 PCIe', 'NVIDIA GeForce RTX 4090'),
  vramBytes: fc.constantFrom(24, 80),
  interface: fc.constantFrom<GpuInterface>('pcie', 'sxm'),
})

/** Few values of everything, so that offers meet, and some of each that meet none. */
const offerChange = fc.record(
  {
    slots: fc.nat({ max: 3 }),
    resources: fc.record({
      cpuMilli: fc.constantFrom(1000, 8000),
      memoryBytes: fc.constantFrom(1024, 2 ** 40),
      diskBytes: fc.constantFrom(0, 100),
      gpuCount: fc.constantFrom(0, 1, 2),
    }),
    runtimes: fc.constantFrom<Offer['runtimes']>(['noop'], ['graph'], ['noop', 'graph']),
    execSpec: fc.constantFrom('', 'e1', 'e2'),
    gpus: fc.oneof(fc.constant([]), fc.array(gpu, { maxLength: 2 })),
    region: fc.constantFrom('eu-west', 'us-east', 'asia'),
    country: fc.constantFrom('NL', 'US'),
    attributes: fc.constantFrom<Record<string, string>>({}, { tier: 'a' }, { tier: 'b', disk: 'nvme' }),
    network: fc.constantFrom({ downMbps: 100, upMbps: 10 }, { downMbps: 1000, upMbps: 1000 }),
    operator: fc.constantFrom('acme', 'umbrella'),
    price: fc.record({
      nanoUsd: fc.constantFrom(1n, 2n, 5n, 2n ** 60n, 2n ** 60n + 1n),
      per: fc.constantFrom('task' as const, 'hour' as const),
    }),
    expiresAt: fc.constantFrom(50, 5_000_000),
  },
  {
    requiredKeys: [
      'slots',
      'resources',
      'runtimes',
      'execSpec',
      'gpus',
      'region',
      'country',
      'attributes',
      'price',
      'expiresAt',
    ],
  },
)

/** Mostly nothing is asked, so that often something fits. */
const seldom = <Item>(usual: Item, other: fc.Arbitrary<Item>): fc.Arbitrary<Item> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })

const some = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => seldom<Item[]>([], fc.subarray(items, { minLength: 1 }))

const demand = fc.record({
  slots: fc.constant(1),
  runtime: fc.constantFrom('noop' as const, 'graph' as const),
  execSpec: seldom('', fc.constantFrom('e1', 'e3')),
  resources: fc
    .record({
      cpuMilli: seldom(1, fc.constantFrom(1000, 8000)),
      memoryBytes: seldom(1, fc.constant(2 ** 30)),
      diskBytes: seldom(0, fc.constant(1)),
      gpuCount: seldom(0, fc.constantFrom(1, 2)),
      gpu: seldom(
        undefined,
        fc.record({
          vendors: some('nvidia' as const, 'amd' as const),
          models: some('h100', 'rtx4090', 'mi300x'),
          vramBytes: seldom(0, fc.constant(40)),
          interfaces: some<GpuInterface>('pcie', 'sxm'),
        }),
      ),
      network: seldom(undefined, fc.record({ downMbps: fc.constantFrom(0, 500), upMbps: fc.constantFrom(0, 10, 500) })),
    })
    .map(({ gpu: kind, network, ...rest }) => ({
      ...rest,
      ...(kind === undefined ? {} : { gpu: kind }),
      ...(network === undefined ? {} : { network }),
    })),
  placement: fc
    .record({
      regions: some('eu-west', 'us-east', 'mars'),
      countries: some('NL', 'US'),
      providers: some(...[0, 1, 2, 3, 4].map(testProvider)),
      excludeProviders: some(...[0, 1, 2].map(testProvider)),
      attributes: seldom<Record<string, string>>(
        {},
        fc.constantFrom<Record<string, string>>({ tier: 'a' }, { constructor: 'a' }, { disk: 'nvme' }),
      ),
      operators: seldom(undefined, some('acme', 'nobody')),
      signedBy: seldom(undefined, fc.record({ anyOf: some(...auditors), allOf: some(...auditors) })),
    })
    .map(({ operators, signedBy, ...rest }) => ({
      ...rest,
      ...(operators === undefined ? {} : { operators }),
      ...(signedBy === undefined ? {} : { signedBy }),
    })),
  maxPrice: fc.record({
    nanoUsd: fc.constantFrom(0n, 2n, 100n, 2n ** 60n, 2n ** 62n),
    per: fc.constantFrom('task' as const, 'task' as const, 'hour' as const),
  }),
})

const providerNumber = fc.nat({ max: 11 })

const publish = fc.record({
  type: fc.constant('publish' as const),
  provider: providerNumber,
  // Two providers may use the same id: they choose it.
  offers: fc.array(fc.tuple(fc.nat({ max: 3 }), offerChange, fc.subarray(auditors)), { minLength: 2, maxLength: 4 }),
})
const ask = fc.record({ type: fc.constant('ask' as const), demand, limit: fc.integer({ min: 1, max: 9 }) })
const take = fc.record({
  type: fc.constant('take' as const),
  provider: providerNumber,
  slots: fc.integer({ min: 1, max: 2 }),
})

const step = fc.oneof(
  { weight: 8, arbitrary: publish },
  { weight: 16, arbitrary: ask },
  { weight: 2, arbitrary: take },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('give' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('relink' as const), provider: providerNumber }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rest' as const), provider: providerNumber }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(10, 6_000) }) },
)

const nameOf = ({ record }: SignedOffer): string => `${record.price.nanoUsd} ${record.id} ${record.provider}`

describe('the index of offers', () => {
  test('gives what the plain rule gives, whatever changes', async () => {
    const answers = { some: 0, none: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 120, size: 'max' }), async (steps) => {
        const world = createVirtualWorld()
        const start = world.now()
        const supply = createSupply(world)
        const peers = Array.from({ length: 12 }, (_, n) => ({ provider: testProvider(n), epoch: 1 }) as AgentPeer)
        for (const peer of peers) supply.link(peer)
        const holds: (() => void)[] = []
        for (const each of steps) {
          const peer = 'provider' in each ? peers[each.provider] : undefined
          if (each.type === 'publish' && peer !== undefined) {
            const { provider } = peer
            const offers = each.offers.map(([id, change, signers]) =>
              testOffer({
                ...(change as Partial<Offer>),
                expiresAt: start + change.expiresAt,
                id: testOfferId(id),
                provider,
                ...(signers.length === 0
                  ? {}
                  : { attestations: signers.map((auditor) => attestation(auditor, provider, start + 3_000)) }),
              }),
            )
            supply.replace(peer, { offers, counted: [] })
          } else if (each.type === 'take' && peer !== undefined) {
            const hold = supply.take(peer.provider, each.slots)
            holds.push(() => hold.giveBack())
          } else if (each.type === 'give') holds.splice(each.which % Math.max(1, holds.length), 1)[0]?.()
          else if (each.type === 'relink' && peer !== undefined) {
            supply.unlink(peer)
            supply.link(peer)
          } else if (each.type === 'rest' && peer !== undefined) supply.rest(peer.provider)
          else if (each.type === 'pass') await world.advance(each.ms)
          else if (each.type === 'ask') {
            const wanted = rankOffers(each.demand, supply.believed(), world.now()).map(nameOf)
            answers[wanted.length > 0 ? 'some' : 'none']++
            const { limit } = each
            const found: SignedOffer[] = []
            for (;;) {
              const after = found.at(-1)
              const page = supply.cheapest(each.demand, { limit, ...(after === undefined ? {} : { after }) })
              found.push(...page)
              if (page.length < limit) break
            }
            expect(found.map(nameOf)).toEqual(wanted)
            for (const offer of found) expect(supply.freeSlots(offer)).toBeGreaterThan(0)
          }
        }
      }),
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
