import { failedTerms, type TermDemand } from '../lease/failed-terms.ts'
import type { MachineStanding } from '../benchmark/machine-standing.ts'
import { attests } from '../offer/attestation.ts'
import type { Offer, SignedOffer } from '../offer/offer.ts'
import type { Order } from '../order/order.ts'
import { failedGpuFields, type GpuDemand } from '../resource/resource-demand.ts'
import type { Gpu } from '../resource/resources.ts'
import type { Address } from '../signature/address.ts'

/** What of an order decides whether an offer fits it. */
export interface Demand extends Pick<Order, 'slots' | 'resources' | 'runtime' | 'placement' | 'maxPrice'>, TermDemand {
  /** What the job's program is pinned to; empty or absent where it has none. */
  readonly execSpec?: string
  /** What a market measured of a provider's machine, where it did: that counts, and not what the offer says. */
  readonly measured?: MeasuredBy
}

export type MeasuredBy = (provider: Address) => Pick<MachineStanding, 'gflops' | 'reproduces'> | undefined

/** The requirement of an offer to have any slot left. */
export const freeSlots = 'slots free'

export interface FailedRequirement {
  readonly requirement: string
  readonly expected: string
  readonly found: string
}

const oneOf = (requirement: string, allowed: readonly string[], found: string): FailedRequirement[] =>
  allowed.length === 0 || allowed.includes(found) ? [] : [{ requirement, expected: allowed.join(' or '), found }]

const atLeast = (requirement: string, needed: number, found: number): FailedRequirement[] =>
  found >= needed ? [] : [{ requirement, expected: `at least ${needed}`, found: String(found) }]

const anyOf = (texts: readonly (string | number)[]): string => [...new Set(texts)].join(' or ')

const gpuFields: Readonly<
  Record<keyof GpuDemand, { expected: (demand: GpuDemand) => string; found: (gpu: Gpu) => string }>
> = {
  vendors: { expected: ({ vendors }) => anyOf(vendors), found: ({ vendor }) => vendor },
  models: { expected: ({ models }) => anyOf(models), found: ({ model }) => model },
  vramBytes: { expected: ({ vramBytes }) => `at least ${vramBytes}`, found: ({ vramBytes }) => String(vramBytes) },
  interfaces: { expected: ({ interfaces }) => anyOf(interfaces), found: (gpu) => gpu.interface ?? 'unknown' },
}

/** Which of its GPUs a slot gets is the agent's choice, so every GPU of the offer must do. */
const gpuFailures = ({ resources: { gpu: demand } }: Demand, { gpus }: Offer): FailedRequirement[] => {
  if (demand === undefined) return []
  if (gpus.length === 0) return [{ requirement: 'resources.gpu', expected: 'GPUs that are named', found: 'none' }]
  const failed = new Map<keyof GpuDemand, Set<string>>()
  for (const gpu of gpus) {
    for (const field of failedGpuFields(demand, gpu)) {
      const found = failed.get(field) ?? new Set()
      failed.set(field, found.add(gpuFields[field].found(gpu)))
    }
  }
  return [...failed].map(([field, found]) => ({
    requirement: `resources.gpu.${field}`,
    expected: gpuFields[field].expected(demand),
    found: [...found].join(', '),
  }))
}

const networkFailures = ({ resources: { network: needed } }: Demand, { network }: Offer): FailedRequirement[] => {
  if (needed === undefined) return []
  const { downMbps, upMbps } = network ?? { downMbps: 0, upMbps: 0 }
  return [
    ...atLeast('resources.network.downMbps', needed.downMbps, downMbps),
    ...atLeast('resources.network.upMbps', needed.upMbps, upMbps),
  ]
}

/** What the benchmarks of a market decide. */
export const failedMeasures = (
  { resources: { gflops, reproducible }, measured }: Pick<Demand, 'resources' | 'measured'>,
  offer: Pick<Offer, 'provider' | 'gflops'>,
): FailedRequirement[] => {
  if (gflops === undefined && reproducible === undefined) return []
  const machine = measured?.(offer.provider)
  return [
    ...atLeast('resources.gflops', gflops ?? 0, Number((machine?.gflops ?? offer.gflops ?? 0).toPrecision(3))),
    ...(reproducible === undefined || machine?.reproduces === true
      ? []
      : [
          {
            requirement: 'resources.reproducible',
            expected: 'the pinned outputs',
            found: machine?.reproduces === false ? 'other outputs' : 'never run here',
          },
        ]),
  ]
}

const signerFailures = ({ placement }: Demand, offer: Offer, now: number): FailedRequirement[] => {
  if (placement.signedBy === undefined) return []
  const { anyOf: any, allOf: all } = placement.signedBy
  const signers = (offer.attestations ?? [])
    .filter((attestation) => attests(attestation, offer.provider, placement.attributes, now))
    .map(({ record }) => record.auditor)
  const found = signers.length === 0 ? 'none' : signers.join(', ')
  return [
    ...(any.length === 0 || any.some((auditor) => signers.includes(auditor))
      ? []
      : [{ requirement: 'placement.signedBy.anyOf', expected: anyOf(any), found }]),
    ...(all.every((auditor) => signers.includes(auditor))
      ? []
      : [{ requirement: 'placement.signedBy.allOf', expected: all.join(' and '), found }]),
  ]
}

const priceFailures = ({ maxPrice }: Demand, { price }: Offer): FailedRequirement[] => {
  if (price.per !== maxPrice.per) return [{ requirement: 'price.per', expected: maxPrice.per, found: price.per }]
  if (price.nanoUsd <= maxPrice.nanoUsd) return []
  return [{ requirement: 'price', expected: `at most ${maxPrice.nanoUsd} nano-dollars`, found: String(price.nanoUsd) }]
}

/** The requirements of the demand that this offer fails at `now`; none where it fits. */
export const failedRequirements = (demand: Demand, offer: Offer, now: number): FailedRequirement[] => {
  const { resources, placement } = demand
  return [
    ...(offer.expiresAt > now
      ? []
      : [{ requirement: 'expiry', expected: `after ${now}`, found: String(offer.expiresAt) }]),
    ...atLeast(freeSlots, 1, offer.slots),
    ...(offer.runtimes.includes(demand.runtime)
      ? []
      : [{ requirement: 'runtime', expected: demand.runtime, found: offer.runtimes.join(', ') }]),
    ...atLeast('resources.cpuMilli', resources.cpuMilli, offer.resources.cpuMilli),
    ...atLeast('resources.memoryBytes', resources.memoryBytes, offer.resources.memoryBytes),
    ...atLeast('resources.diskBytes', resources.diskBytes, offer.resources.diskBytes),
    ...atLeast('resources.gpuCount', resources.gpuCount, offer.resources.gpuCount),
    ...gpuFailures(demand, offer),
    ...networkFailures(demand, offer),
    ...failedMeasures(demand, offer),
    ...(demand.execSpec === undefined || demand.execSpec === '' || demand.execSpec === offer.execSpec
      ? []
      : [
          {
            requirement: 'execSpec',
            expected: demand.execSpec,
            found: offer.execSpec === '' ? 'none' : offer.execSpec,
          },
        ]),
    ...oneOf('placement.regions', placement.regions, offer.region),
    ...oneOf('placement.countries', placement.countries, offer.country),
    ...oneOf('placement.operators', placement.operators ?? [], offer.operator ?? 'nobody named'),
    ...oneOf('placement.providers', placement.providers, offer.provider),
    ...(placement.excludeProviders.includes(offer.provider)
      ? [{ requirement: 'placement.excludeProviders', expected: 'another provider', found: offer.provider }]
      : []),
    ...Object.entries(placement.attributes).flatMap(([name, expected]) => {
      const found = Object.hasOwn(offer.attributes, name) ? offer.attributes[name] : undefined
      return found === expected
        ? []
        : [{ requirement: `placement.attributes.${name}`, expected, found: found ?? 'none' }]
    }),
    ...signerFailures(demand, offer, now),
    ...failedTerms(demand, offer, now),
    ...priceFailures(demand, offer),
  ]
}

const byPrice = (a: SignedOffer, b: SignedOffer): number => {
  const difference = a.record.price.nanoUsd - b.record.price.nanoUsd
  if (difference !== 0n) return difference < 0n ? -1 : 1
  if (a.record.id !== b.record.id) return a.record.id < b.record.id ? -1 : 1
  return a.record.provider < b.record.provider ? -1 : 1
}

/** The offers that fit, in the order of the rule `lowest`: by price, then by the older offer, then by provider. */
export const rankOffers = (demand: Demand, offers: Iterable<SignedOffer>, now: number): SignedOffer[] => {
  const fitting: SignedOffer[] = []
  for (const offer of offers) if (failedRequirements(demand, offer.record, now).length === 0) fitting.push(offer)
  return fitting.sort(byPrice)
}
