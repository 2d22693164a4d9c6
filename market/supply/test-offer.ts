import type { Offer, OfferId, SignedOffer } from '@muster/protocol'

/** An offer for tests, complete but for what its maker changes; nobody signed it. */
export const testOffer = (change: Partial<Offer> & Pick<Offer, 'id' | 'provider'>): SignedOffer => ({
  record: {
    kind: 'offer',
    market: `0x${'3'.repeat(40)}` as Offer['market'],
    resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 0 },
    slots: 1,
    runtimes: ['noop'],
    execSpec: '',
    gpus: [],
    region: 'eu-west',
    country: 'NL',
    attributes: {},
    price: { nanoUsd: 100n, per: 'task' },
    issuedAt: 0,
    expiresAt: 8_000_000_000_000,
    ...change,
  },
  signature: '0x',
})

/** The id of the n-th offer: later ones come after earlier ones. */
export const testOfferId = (n: number): OfferId => `ofr_${String(n).padStart(26, '0')}` as OfferId

export const testProvider = (n: number): Offer['provider'] =>
  `0x${n.toString(16).padStart(40, '0')}` as Offer['provider']
