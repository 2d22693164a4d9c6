import fc from 'fast-check'
import type {
  AgentPeer,
  Demand,
  GpuInterface,
  LeaseDemand,
  Offer,
  OfferTerm,
  SignedAttestation,
} from '@muster/protocol'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply, type Supply } from './supply.ts'
import { testOffer, testOfferId, testProvider } from './test-offer.ts'

/** Who attests offers in these tests. */
export const auditors = [testProvider(0xa1), testProvider(0xa2)]
const market = testProvider(0x33)

export const attestation = (
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
    term: fc.constantFrom<OfferTerm>(
      { kinds: ['on-demand', 'spot'], noticeMs: 60_000, minMs: 0, maxMs: 50_000 },
      { kinds: ['on-demand'], minMs: 5_000, maxMs: 50_000 },
      { kinds: ['spot'], noticeMs: 1_000, minMs: 0, maxMs: 9_000 },
      { kinds: ['reserved', 'on-demand'], minMs: 5_000, maxMs: 50_000 },
    ),
    maintenance: fc.constantFrom<NonNullable<Offer['maintenance']>>(
      [{ from: 6_000, until: 9_000 }],
      [{ from: 60_000, until: 90_000 }],
      [],
    ),
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

/** An order's demand that now and then something fits. */
export const testDemand = fc
  .record({
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
        network: seldom(
          undefined,
          fc.record({ downMbps: fc.constantFrom(0, 500), upMbps: fc.constantFrom(0, 10, 500) }),
        ),
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
    lease: seldom<LeaseDemand | undefined>(
      undefined,
      fc.constantFrom<LeaseDemand>(
        { kind: 'on-demand', termMs: 20_000 },
        { kind: 'spot' },
        { kind: 'spot', minNoticeMs: 30_000 },
        { kind: 'reserved', termMs: 9_000 },
      ),
    ),
    defaultTermMs: fc.constantFrom(10, 10, 7_000),
  })
  .map(({ lease, ...rest }) => ({ ...rest, ...(lease === undefined ? {} : { lease }) }))

const providerNumber = fc.nat({ max: 11 })

const publish = fc.record({
  type: fc.constant('publish' as const),
  provider: providerNumber,
  // Two providers may use the same id: they choose it.
  offers: fc.array(fc.tuple(fc.nat({ max: 3 }), offerChange, fc.subarray(auditors)), { minLength: 2, maxLength: 4 }),
})
const ask = fc.record({ type: fc.constant('ask' as const), demand: testDemand, limit: fc.integer({ min: 1, max: 9 }) })
const take = fc.record({
  type: fc.constant('take' as const),
  provider: providerNumber,
  slots: fc.integer({ min: 1, max: 2 }),
})

/** What happens to a supply of twelve providers, or is asked of it. */
export const testStep = fc.oneof(
  { weight: 8, arbitrary: publish },
  { weight: 16, arbitrary: ask },
  { weight: 2, arbitrary: take },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('give' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('relink' as const), provider: providerNumber }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rest' as const), provider: providerNumber }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(10, 6_000) }) },
)

export type TestStep = typeof testStep extends fc.Arbitrary<infer Step> ? Step : never

/** Plays steps, and calls back where one asks something. */
export const playSteps = async (
  steps: readonly TestStep[],
  ask: (supply: Supply, demand: Demand, limit: number, now: number) => void,
): Promise<void> => {
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
          ...(change.maintenance === undefined
            ? {}
            : {
                maintenance: change.maintenance.map(({ from, until }) => ({
                  from: start + from,
                  until: start + until,
                })),
              }),
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
    else if (each.type === 'ask') ask(supply, each.demand, each.limit, world.now())
  }
}
