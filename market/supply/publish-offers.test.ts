import {
  createSigner,
  createVerifier,
  nobleSecp256k1,
  signBatch,
  signRecord,
  type AgentPeer,
  type Attestation,
  type Demand,
  type Signature,
  type SignedAttestation,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { publishOffers } from './publish-offers.ts'
import { createSupply } from './supply.ts'
import { testOffer, testOfferId } from './test-offer.ts'

const signerOf = (byte: number) => createSigner(nobleSecp256k1, new Uint8Array(32).fill(byte))
const [provider, auditor, stranger] = [signerOf(1), signerOf(2), signerOf(3)]
const domain = { chainId: 1, market: signerOf(4).address }

const attest = (change: Partial<Attestation> = {}, signer = auditor): SignedAttestation =>
  signRecord(signer, { ...domain, market: change.market ?? domain.market }, {
    kind: 'attestation',
    market: domain.market,
    auditor: auditor.address,
    provider: provider.address,
    attributes: { tier: 'datacenter' },
    issuedAt: 0,
    expiresAt: 8_000_000_000_000,
    ...change,
  } satisfies Attestation)

const setUp = () => {
  const world = createVirtualWorld()
  const supply = createSupply(world)
  const peer = { provider: provider.address, epoch: 1 } as AgentPeer
  supply.link(peer)
  const modules = { world, verifier: createVerifier(nobleSecp256k1), supply, domain }
  const publish = (...lists: SignedAttestation[][]) => {
    const offers = lists.map((attestations, n) => ({
      ...testOffer({
        id: testOfferId(n),
        provider: provider.address,
        market: domain.market,
        attributes: { tier: 'datacenter' },
        attestations,
      }).record,
    }))
    publishOffers(peer, { offers: signBatch(provider, domain, offers), counted: [] }, modules)
  }
  return { supply, publish }
}

const demand: Demand = {
  slots: 1,
  runtime: 'noop',
  resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
  placement: {
    regions: [],
    countries: [],
    providers: [],
    excludeProviders: [],
    attributes: { tier: 'datacenter' },
    signedBy: { anyOf: [], allOf: [auditor.address] },
  },
  maxPrice: { nanoUsd: 1_000n, per: 'task' },
}

describe('an attestation in an offer', () => {
  test('that its auditor signed is found by it', () => {
    const { supply, publish } = setUp()
    publish([attest()], [attest()], [])
    expect(supply.cheapest(demand, { limit: 9 })).toHaveLength(2)
  })

  test.each<[string, () => SignedAttestation, string]>([
    ['signed by another', () => attest({}, stranger), 'signature_invalid'],
    [
      'changed after it was signed',
      () => ({ ...attest(), record: { ...attest().record, attributes: { tier: 'moon' } } }),
      'signature_invalid',
    ],
    ['with a signature that is none', () => ({ ...attest(), signature: '0x00' as Signature }), 'signature_invalid'],
    ['for another market', () => attest({ market: stranger.address }), 'signature_invalid'],
    ['about another provider', () => attest({ provider: stranger.address }), 'record_invalid'],
  ])('%s refuses the whole publication', (_, make, code) => {
    const { supply, publish } = setUp()
    expect(() => publish([], [make()])).toThrow(expect.objectContaining({ code }))
    expect([...supply.all()]).toEqual([])
  })

  test('that has expired does no harm and counts for nothing', () => {
    const { supply, publish } = setUp()
    publish([attest({ expiresAt: 1 })])
    expect([...supply.all()]).toHaveLength(1)
    expect(supply.cheapest(demand, { limit: 9 })).toEqual([])
  })

  test('is one of at most sixteen different ones', () => {
    const { publish } = setUp()
    const many = (count: number) => Array.from({ length: count }, (_, n) => attest({ issuedAt: n }))
    const all = many(17)
    publish(all.slice(0, 8), all.slice(8, 16), all.slice(0, 8))
    expect(() => publish(all.slice(0, 8), all.slice(8, 16), all.slice(16))).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  })
})
