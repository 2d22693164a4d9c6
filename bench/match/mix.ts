import {
  gpuModelOf,
  type Address,
  type Demand,
  type Hex,
  type Offer,
  type OfferId,
  type PriceUnit,
  type RuntimeKind,
  type SignedAttestation,
} from '@muster/protocol'
import { gpuMarket, regions } from './gpu-market.ts'
import type { Draws } from './seeded.ts'

/** A provider and what it would offer: the same slots under each of its offers. */
export interface ListedProvider {
  readonly provider: Address
  readonly slots: number
  readonly offers: readonly Offer[]
}

export const benchNow = 1_790_000_000_000
const market = `0x${'3'.repeat(40)}` as Address
const gib = 2 ** 30

export const providerAddress = (n: number): Address => `0x${n.toString(16).padStart(40, '0')}` as Address
const offerId = (n: number): OfferId => `ofr_${String(n).padStart(26, '0')}` as OfferId
const execSpecs = [1, 2, 3].map((n): Hex => `0x${String(n).repeat(64)}`)
/** Nobody checks signatures here: the market has by then. */
const unsigned: Hex = `0x${'5'.repeat(130)}`
const auditedShares = [0.15, 0.06, 0.01]
export const auditors = [0xa1, 0xa2, 0xa3].map(providerAddress)

const units: readonly { readonly weight: number; readonly per: PriceUnit; readonly perHour: number }[] = [
  { weight: 70, per: 'hour', perHour: 1 },
  { weight: 20, per: 'task', perHour: 3_600 },
  { weight: 10, per: 'operator', perHour: 1_000_000 },
]
const runtimes: readonly { readonly weight: number; readonly runtimes: RuntimeKind[] }[] = [
  { weight: 70, runtimes: ['graph'] },
  { weight: 15, runtimes: ['noop'] },
  { weight: 15, runtimes: ['graph', 'noop'] },
]
const counts = [
  { weight: 60, count: 1 },
  { weight: 15, count: 2 },
  { weight: 12, count: 4 },
  { weight: 13, count: 8 },
]

/** Of `n` offers: many of one provider have a pool of it, and houses run up to thousands of machines. */
export const operatorCount = (offers: number): number => Math.max(20, offers >>> 8)
export const poolCount = (offers: number): number => Math.max(20, offers >>> 8)

const attest = (auditor: Address, provider: Address, attributes: Record<string, string>): SignedAttestation => ({
  record: {
    kind: 'attestation',
    market,
    auditor,
    provider,
    attributes,
    issuedAt: benchNow - 1_000,
    expiresAt: benchNow + 10 ** 9,
  },
  signature: unsigned,
})

/** Half of what a demand may name is common and half is rare, so that no single index answers every order. */
const machineOf = (draws: Draws, provider: Address, offers: number) => {
  const { region, country } = draws.weighted(regions)
  const isServer = draws.share() < 0.4
  const attributes: Record<string, string> = { tier: isServer ? 'datacenter' : 'community' }
  if (draws.share() < 0.6) attributes['disk'] = 'nvme'
  if (draws.share() < 0.1) attributes['pool'] = `p${draws.whole(1, poolCount(offers))}`
  const { tier = '' } = attributes
  const signers = auditors.filter((_, index) => draws.share() < (auditedShares[index] ?? 0))
  return {
    place: { region, country, attributes },
    network: {
      downMbps: Math.round((isServer ? 5_000 : 400) * draws.spread(0.8)),
      upMbps: Math.round((isServer ? 5_000 : 80) * draws.spread(0.8)),
    },
    ...(draws.share() < 0.3 ? { operator: `h${Math.floor(operatorCount(offers) * draws.share() ** 2)}` } : {}),
    ...(signers.length === 0 ? {} : { attestations: signers.map((auditor) => attest(auditor, provider, { tier })) }),
  }
}

const gpusOf = (draws: Draws, n: number) => {
  if (draws.share() < 0.25) return { gpus: [], count: 0, usdPerHour: 0 }
  const listed = draws.weighted(gpuMarket)
  const { count } = draws.weighted(counts)
  const gpus = Array.from({ length: count }, (_, index) => ({
    uuid: `GPU-${n}-${index}`,
    vendor: listed.vendor,
    model: listed.model,
    vramBytes: listed.vramGib * gib,
    interface: listed.connection,
  }))
  return { gpus, count, usdPerHour: count * listed.usdPerHour }
}

/** Providers with so many offers altogether, each provider with one machine and one to four offers. */
export const makeProviders = (draws: Draws, offers: number): ListedProvider[] => {
  const providers: ListedProvider[] = []
  let made = 0
  for (let n = 1; made < offers; n++) {
    const provider = providerAddress(n)
    const { place, ...machine } = machineOf(draws, provider, offers)
    const { gpus, count, usdPerHour } = gpusOf(draws, n)
    const cpuMilli = Math.max(1, count) * draws.pick([4, 8, 16, 24]) * 1000
    const memoryBytes = Math.max(1, count) * draws.pick([8, 16, 32, 64, 128]) * gib
    const hourly = (usdPerHour + cpuMilli * 4e-6 + (memoryBytes / gib) * 0.0006) * draws.spread(0.3)
    const many = draws.weighted([
      { weight: 75, many: 1 },
      { weight: 20, many: 2 },
      { weight: 5, many: 4 },
    ]).many
    const slots = draws.pick([1, 1, 2, 4, 8, 16])
    const list: Offer[] = []
    for (let each = 0; each < many && made < offers; each++) {
      const { per, perHour } = draws.weighted(units)
      list.push({
        kind: 'offer',
        id: offerId(++made),
        market,
        provider,
        resources: { cpuMilli, memoryBytes, diskBytes: draws.pick([0, 50, 200, 1_000, 4_000]) * gib, gpuCount: count },
        slots,
        runtimes: draws.weighted(runtimes).runtimes,
        execSpec: draws.pick(execSpecs),
        gpus,
        ...place,
        ...machine,
        price: { nanoUsd: BigInt(Math.round((hourly * draws.spread(0.1) * 1e9) / perHour)), per },
        issuedAt: benchNow,
        expiresAt: benchNow + draws.whole(10 ** 6, 10 ** 9),
      })
    }
    providers.push({ provider, slots, offers: list })
  }
  return providers
}

const chance = <Value>(draws: Draws, share: number, make: () => Value): Value | undefined =>
  draws.share() < share ? make() : undefined

const gpuDemand = (draws: Draws) => {
  const listed = draws.weighted(gpuMarket)
  const others = chance(draws, 0.3, () => [draws.weighted(gpuMarket), draws.weighted(gpuMarket)]) ?? []
  const isByModel = draws.share() < 0.75
  const models = isByModel ? [...new Set([listed, ...others].map(({ model }) => gpuModelOf(model)))] : []
  return {
    usdPerHour: listed.usdPerHour,
    gpu: {
      vendors: isByModel ? [] : (chance(draws, 0.4, () => [listed.vendor]) ?? []),
      models,
      vramBytes: isByModel && draws.share() < 0.7 ? 0 : listed.vramGib * gib,
      interfaces: chance(draws, 0.15, () => [listed.connection]) ?? [],
    },
  }
}

/** One order: what it asks, of a market with so many offers. */
export const makeDemand = (draws: Draws, offers: number, providers: number): Demand => {
  const { per, perHour } = draws.weighted(units)
  const gpuCount = draws.share() < 0.7 ? draws.weighted(counts).count : 0
  const wanted = gpuCount > 0 && draws.share() < 0.9 ? gpuDemand(draws) : undefined
  const cpuMilli = Math.max(1, gpuCount) * draws.pick([1, 2, 4, 8]) * 1000
  const memoryBytes = Math.max(1, gpuCount) * draws.pick([1, 4, 8, 16, 32]) * gib
  const runtime = draws.share() < 0.8 ? 'graph' : 'noop'
  const hourly = gpuCount * (wanted?.usdPerHour ?? 0.3) + cpuMilli * 8e-6 + (memoryBytes / gib) * 0.0012
  const usd = (hourly * (0.6 + 1.9 * draws.share())) / perHour
  const network = chance(draws, 0.2, () => ({
    downMbps: draws.pick([100, 500, 2_000]),
    upMbps: draws.pick([0, 50, 1_000]),
  }))
  const attributes: Record<string, string> = {}
  if (draws.share() < 0.2) attributes['tier'] = draws.pick(['datacenter', 'community'])
  if (draws.share() < 0.1) attributes['disk'] = 'nvme'
  if (draws.share() < 0.02) attributes['pool'] = `p${draws.whole(1, poolCount(offers))}`
  const operators = chance(draws, 0.04, () => [`h${draws.whole(0, operatorCount(offers) - 1)}`])
  const signedBy = chance(draws, 0.08, () =>
    draws.share() < 0.5 ? { anyOf: auditors.slice(0, 2), allOf: [] } : { anyOf: [], allOf: [draws.pick(auditors)] },
  )
  const named = () => providerAddress(draws.whole(1, providers))
  return {
    slots: draws.share() < 0.6 ? 1 : draws.share() < 0.75 ? draws.whole(2, 8) : draws.whole(16, 64),
    runtime,
    execSpec: runtime === 'graph' && draws.share() < 0.5 ? draws.pick(execSpecs) : '',
    resources: {
      cpuMilli,
      memoryBytes,
      diskBytes: draws.pick([0, 0, 10, 100, 500]) * gib,
      gpuCount,
      ...(wanted === undefined ? {} : { gpu: wanted.gpu }),
      ...(network === undefined ? {} : { network }),
    },
    placement: {
      regions: chance(draws, 0.25, () => [draws.weighted(regions).region, draws.weighted(regions).region]) ?? [],
      countries: chance(draws, 0.12, () => [draws.weighted(regions).country]) ?? [],
      providers: chance(draws, 0.02, () => [named(), named(), named()]) ?? [],
      excludeProviders: chance(draws, 0.05, () => [named(), named()]) ?? [],
      attributes,
      ...(operators === undefined ? {} : { operators }),
      ...(signedBy === undefined ? {} : { signedBy }),
    },
    maxPrice: { nanoUsd: BigInt(Math.round(usd * 1e9)), per },
  }
}
