import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import { offerSchema, type Offer, type SignedOffer } from '../offer/offer.ts'
import { orderSchema } from '../order/order.ts'
import type { SignedAttestation } from '../offer/attestation.ts'
import type { GpuDemand } from '../resource/resource-demand.ts'
import type { Gpu } from '../resource/resources.ts'
import type { Address } from '../signature/address.ts'
import { exampleAttestation, exampleOffer, exampleOrder } from '../vector/example-records.ts'
import { explainNoFit } from './explain-no-fit.ts'
import { failedRequirements, rankOffers, type Demand } from './match-offers.ts'

const now = exampleOffer.issuedAt
const signed = (record: Offer): SignedOffer => ({ record, signature: '0x' })
const demandWith = (change: Partial<Demand>): Demand => ({ ...exampleOrder, ...change })
const placement = exampleOrder.placement
const failures = (demand: Partial<Demand>, offer: Partial<Offer> = {}, at = now) =>
  failedRequirements(demandWith(demand), { ...exampleOffer, ...offer }, at)

const card: Gpu = { uuid: 'GPU-1', vendor: 'nvidia', model: 'NVIDIA H100 PCIe', vramBytes: 80, interface: 'pcie' }
const gpuSlot: Partial<Offer> = { resources: { ...exampleOffer.resources, gpuCount: 1 }, gpus: [card] }
const withGpus = (gpu: Partial<GpuDemand>): Partial<Demand> => ({
  resources: {
    ...exampleOrder.resources,
    gpuCount: 1,
    gpu: { vendors: [], models: [], vramBytes: 0, interfaces: [], ...gpu },
  },
})
const withNetwork = (downMbps: number, upMbps: number): Partial<Demand> => ({
  resources: { ...exampleOrder.resources, network: { downMbps, upMbps } },
})
const auditor = exampleAttestation.auditor
const other = exampleOffer.market
const attested: SignedAttestation = { record: exampleAttestation, signature: '0x' }
const signedBy = (
  signers: { readonly anyOf?: Address[]; readonly allOf?: Address[] },
  attributes: Record<string, string> = {},
): Partial<Demand> => ({ placement: { ...placement, attributes, signedBy: { anyOf: [], allOf: [], ...signers } } })

test('the example fits', () => {
  expect(failures({})).toEqual([])
  expect(
    failures(withGpus({ vendors: ['nvidia'], models: ['h100'], vramBytes: 80, interfaces: ['pcie'] }), gpuSlot),
  ).toEqual([])
  expect(
    failures({ ...withNetwork(100, 10), execSpec: exampleOffer.execSpec }, { network: { downMbps: 100, upMbps: 10 } }),
  ).toEqual([])
  expect(
    failures(signedBy({ anyOf: [other, auditor], allOf: [auditor] }, { tier: 'community' }), {
      attestations: [attested],
    }),
  ).toEqual([])
})

describe('an offer does not fit', () => {
  test.each<[string, Partial<Demand>, Partial<Offer>, string, string]>([
    ['expiry', {}, { expiresAt: now }, `after ${now}`, String(now)],
    ['slots free', {}, { slots: 0 }, 'at least 1', '0'],
    ['runtime', { runtime: 'graph' }, { runtimes: ['noop'] }, 'graph', 'noop'],
    ['resources.cpuMilli', { resources: { ...exampleOrder.resources, cpuMilli: 1001 } }, {}, 'at least 1001', '1000'],
    ['resources.gpuCount', { resources: { ...exampleOrder.resources, gpuCount: 1 } }, {}, 'at least 1', '0'],
    ['placement.regions', { placement: { ...placement, regions: ['us', 'asia'] } }, {}, 'us or asia', 'eu-west'],
    ['placement.countries', { placement: { ...placement, countries: ['DE'] } }, {}, 'DE', 'NL'],
    [
      'placement.excludeProviders',
      { placement: { ...placement, excludeProviders: [exampleOffer.provider] } },
      {},
      'another provider',
      exampleOffer.provider,
    ],
    [
      'placement.attributes.tier',
      { placement: { ...placement, attributes: { tier: 'datacenter' } } },
      {},
      'datacenter',
      'community',
    ],
    ['placement.attributes.disk', { placement: { ...placement, attributes: { disk: 'nvme' } } }, {}, 'nvme', 'none'],
    ['placement.attributes.disk', { placement: { ...placement, attributes: { disk: 'none' } } }, {}, 'none', 'none'],
    [
      'placement.attributes.constructor',
      { placement: { ...placement, attributes: { constructor: 'x' } } as never },
      {},
      'x',
      'none',
    ],
    ['resources.gpu', withGpus({}), { ...gpuSlot, gpus: [] }, 'GPUs that are named', 'none'],
    ['resources.gpu.vendors', withGpus({ vendors: ['amd'] }), gpuSlot, 'amd', 'nvidia'],
    [
      'resources.gpu.models',
      withGpus({ models: ['h100', 'h200'] }),
      { ...gpuSlot, gpus: [card, { ...card, model: 'NVIDIA L4' }] },
      'h100 or h200',
      'NVIDIA L4',
    ],
    ['resources.gpu.vramBytes', withGpus({ vramBytes: 81 }), gpuSlot, 'at least 81', '80'],
    ['resources.gpu.interfaces', withGpus({ interfaces: ['sxm'] }), gpuSlot, 'sxm', 'pcie'],
    [
      'resources.gpu.interfaces',
      withGpus({ interfaces: ['sxm'] }),
      { ...gpuSlot, gpus: [{ uuid: 'GPU-1', vendor: 'nvidia', model: 'H100', vramBytes: 80 }] },
      'sxm',
      'unknown',
    ],
    ['resources.network.downMbps', withNetwork(500, 0), {}, 'at least 500', '0'],
    ['resources.network.upMbps', withNetwork(0, 20), { network: { downMbps: 1, upMbps: 10 } }, 'at least 20', '10'],
    ['execSpec', { execSpec: '0xab' }, { execSpec: '' }, '0xab', 'none'],
    ['placement.operators', { placement: { ...placement, operators: ['acme'] } }, {}, 'acme', 'nobody named'],
    [
      'placement.operators',
      { placement: { ...placement, operators: ['acme'] } },
      { operator: 'umbrella' },
      'acme',
      'umbrella',
    ],
    ['placement.signedBy.anyOf', signedBy({ anyOf: [auditor, other] }), {}, `${auditor} or ${other}`, 'none'],
    [
      'placement.signedBy.allOf',
      signedBy({ allOf: [auditor, other] }),
      { attestations: [attested] },
      `${auditor} and ${other}`,
      auditor,
    ],
    [
      'placement.signedBy.allOf',
      signedBy({ allOf: [auditor] }, { tier: 'community', disk: 'nvme' }),
      { attributes: { tier: 'community', disk: 'nvme' }, attestations: [attested] },
      auditor,
      'none',
    ],
    [
      'placement.signedBy.anyOf',
      signedBy({ anyOf: [auditor] }),
      { attestations: [{ ...attested, record: { ...attested.record, expiresAt: now } }] },
      auditor,
      'none',
    ],
    [
      'placement.signedBy.anyOf',
      signedBy({ anyOf: [auditor] }),
      { attestations: [{ ...attested, record: { ...attested.record, provider: other } }] },
      auditor,
      'none',
    ],
    ['price.per', { maxPrice: { nanoUsd: 1000n, per: 'hour' } }, {}, 'hour', 'operator'],
    ['price', { maxPrice: { nanoUsd: 124n, per: 'operator' } }, {}, 'at most 124 nano-dollars', '125'],
  ])('for its %s', (requirement, demand, offer, expected, found) => {
    expect(failures(demand, offer)).toEqual([{ requirement, expected, found }])
  })
})

test('every failure of any offer and order is told as text', () => {
  fc.assert(
    fc.property(outputsOf(orderSchema), outputsOf(offerSchema), (order, offer) => {
      const failed = failedRequirements(order, offer, now)
      for (const { requirement, expected, found } of failed) {
        expect([typeof requirement, typeof expected, typeof found]).toEqual(['string', 'string', 'string'])
      }
      expect(rankOffers(order, [signed(offer)], now)).toHaveLength(failed.length === 0 ? 1 : 0)
    }),
    { numRuns: 50 },
  )
})

test('the cheapest comes first, of equals the older', () => {
  const priced = (id: string, nanoUsd: bigint) =>
    signed({ ...exampleOffer, id: `ofr_${id}` as Offer['id'], price: { nanoUsd, per: 'operator' } })
  const offers = [priced('c', 9n), priced('b', 5n), priced('a', 5n), priced('d', 2n ** 62n), priced('e', 0n)]
  const ranked = rankOffers(demandWith({ maxPrice: { nanoUsd: 100n, per: 'operator' } }), offers, now)
  expect(ranked.map(({ record }) => record.id)).toEqual(['ofr_e', 'ofr_a', 'ofr_b', 'ofr_c'])
})

describe('where nothing fits, the answer', () => {
  const demand = demandWith({ slots: 3, runtime: 'graph', maxPrice: { nanoUsd: 1n, per: 'operator' } })

  test('names the nearest offers and what each one fails', () => {
    const far = signed({ ...exampleOffer, id: 'ofr_far' as Offer['id'], runtimes: ['noop'] })
    const error = explainNoFit(demand, [far, ...Array.from({ length: 9 }, () => signed(exampleOffer))], now)
    expect(error).toMatchObject({
      code: 'nothing_fits',
      retry: 'later',
      retryAfterMs: 10_000,
      facts: { slots: 3, offers: 10 },
    })
    expect(error.message).toBe(
      'None of 10 offers fits; the nearest fails price: expected at most 1 nano-dollars, found 125.',
    )
    const near = error.facts['nearest'] as { failed: unknown[] }[]
    expect(near.map(({ failed }) => failed.length)).toEqual([1, 1, 1, 1, 1])
  })

  test('says so where offers fit but for their slots, and names those first', () => {
    const taken = signed({ ...exampleOffer, id: 'ofr_taken' as Offer['id'], slots: 0 })
    const dear = signed({
      ...exampleOffer,
      id: 'ofr_dear' as Offer['id'],
      price: { nanoUsd: 10n ** 12n, per: 'operator' },
    })
    const affordable = demandWith({ slots: 1, maxPrice: { nanoUsd: 1_000n, per: 'operator' } })
    const error = explainNoFit(affordable, [dear, taken], now)
    expect(error.message).toBe('1 of 2 offers fit, and all their slots are taken; wait, or try again later.')
    expect(error.facts['nearest']).toMatchObject([{ offer: 'ofr_taken' }, { offer: 'ofr_dear' }])
  })

  test('names a stake that covers no bond, before slots that are taken', () => {
    const affordable = demandWith({ slots: 1, maxPrice: { nanoUsd: 1_000n, per: 'operator' } })
    const { provider } = exampleOffer
    const paused = signed({ ...exampleOffer, slots: 0 })
    for (const offer of [paused, signed(exampleOffer)]) {
      const error = explainNoFit(affordable, [offer], now, new Set([provider]))
      expect(error.message).toBe(
        'None of 1 offers fits; the nearest fails stake: expected enough for the bond of a slot, found less than that.',
      )
      expect(error.facts['nearest']).toMatchObject([{ provider, failed: [{ requirement: 'stake' }] }])
    }
    const other = {
      ...exampleOffer,
      id: 'ofr_other' as Offer['id'],
      provider: `0x${'9'.repeat(40)}` as Offer['provider'],
    }
    const dear = { ...other, price: { nanoUsd: 10n ** 12n, per: 'operator' as const } }
    expect(
      explainNoFit(affordable, [signed(dear), paused], now, new Set([dear.provider])).facts['nearest'],
    ).toMatchObject([
      { failed: [{ requirement: 'slots free' }] },
      { offer: 'ofr_other', failed: [{ requirement: 'price' }, { requirement: 'stake' }] },
    ])
  })

  test('says so where there is no offer at all', () => {
    expect(explainNoFit(demand, [], now).message).toMatch(/^No agent that is linked/)
  })
})
