import {
  attests,
  failedMeasures,
  failedTerms,
  type Address,
  type Demand,
  type LeaseKind,
  type Offer,
} from '@muster/protocol'
import type { WantedGpus } from './gpu-kind.ts'
import { runtimeBits, type OfferRows } from './offer-rows.ts'
import type { Need } from './price-tree.ts'
import { runtimeCode, sizeCode } from './size-code.ts'
import { traitNeed } from './trait-code.ts'

/** A demand as a search needs it: numbers to compare with those of a row. */
export interface CompiledDemand {
  /** Runtimes of which one will do. */
  readonly runtimes: number
  readonly gpuCount: number
  /** `undefined` where any do, or none. */
  readonly gpus: WantedGpus | undefined
  /** What a row must at least have, in the order of its measures, and at most cost. */
  readonly need: Need
  /** The numbers of terms of which one will do; `undefined` where any does. */
  readonly regions: readonly number[] | undefined
  readonly countries: readonly number[] | undefined
  readonly execSpecs: readonly number[] | undefined
  /** Groups of tokens of which an offer must have one. */
  readonly tokens: readonly (readonly string[])[]
  /** What is looked up in the offer itself. */
  readonly rest: ((offer: Offer) => boolean) | undefined
  /** Whether the lease asked for is one that the offer sells; looked up where either says anything of it. */
  readonly sells: (offer: Offer) => boolean
  readonly asksTerms: boolean
}

/** What few offers have in common, as texts to find them by. */
export const tokensOf = ({ region, country, operator, attributes, attestations, term }: Offer): string[] => {
  const tokens = [`r${region}`, `c${country}`, `r${region} ${country}`]
  if (operator !== undefined) tokens.push(`o${operator}`)
  for (const kind of term?.kinds ?? []) if (kind !== 'on-demand') tokens.push(`l${kind}`)
  for (const name of Object.keys(attributes)) tokens.push(`a${name}=${attributes[name]}`)
  for (const { record } of attestations ?? []) {
    tokens.push(`s${record.auditor}`)
    for (const name of Object.keys(record.attributes))
      tokens.push(`s${record.auditor}${name}=${record.attributes[name]}`)
  }
  return [...new Set(tokens)]
}

/** Places are told apart by their terms. */
export const isPlace = (token: string): boolean => token.startsWith('r') || token.startsWith('c')

/** Those that every offer that fits must have. */
const certainTokens = (groups: readonly (readonly string[])[]): string[] =>
  groups.flatMap((group) => (group.length === 1 ? group : [])).filter((token) => !isPlace(token))

/** What of a placement is asked, once what is waived is left out. */
interface Asked {
  readonly regions: readonly string[]
  readonly countries: readonly string[]
  readonly operators: readonly string[]
  /** Nothing where on-demand leases are wanted: most offers are for those. */
  readonly kind: LeaseKind | undefined
  readonly providers: readonly Address[]
  readonly excluded: readonly Address[]
  readonly attributes: readonly (readonly [name: string, text: string])[]
  /** What auditors must have signed: all attributes, waived or not. */
  readonly signed: readonly (readonly [name: string, text: string])[]
  readonly anyOf: readonly Address[]
  readonly allOf: readonly Address[]
}

const nothing: readonly never[] = []

const askedOf = ({ placement, lease }: Demand, isAsked: (requirement: string) => boolean): Asked => {
  const { signedBy } = placement
  const signed = Object.entries(placement.attributes)
  const list = <Item>(requirement: string, items: readonly Item[] = nothing): readonly Item[] =>
    items.length > 0 && isAsked(requirement) ? items : nothing
  return {
    regions: list('placement.regions', placement.regions),
    countries: list('placement.countries', placement.countries),
    operators: list('placement.operators', placement.operators),
    kind: lease?.kind === 'on-demand' || !isAsked('lease.kind') ? undefined : lease?.kind,
    providers: list('placement.providers', placement.providers),
    excluded: list('placement.excludeProviders', placement.excludeProviders),
    attributes: signed.length === 0 ? signed : signed.filter(([name]) => isAsked(`placement.attributes.${name}`)),
    signed,
    anyOf: list('placement.signedBy.anyOf', signedBy?.anyOf),
    allOf: list('placement.signedBy.allOf', signedBy?.allOf),
  }
}

const tokensWanted = ({ regions, countries, operators, kind, attributes, signed, anyOf, allOf }: Asked): string[][] => {
  const groups: string[][] = []
  if (regions.length > 0) groups.push(regions.map((region) => `r${region}`))
  if (countries.length > 0) {
    groups.push(countries.map((country) => `c${country}`))
    if (regions.length > 0)
      groups.push(countries.flatMap((country) => regions.map((region) => `r${region} ${country}`)))
  }
  if (operators.length > 0) groups.push(operators.map((operator) => `o${operator}`))
  if (kind !== undefined) groups.push([`l${kind}`])
  for (const [name, text] of attributes) groups.push([`a${name}=${text}`])
  if (anyOf.length + allOf.length === 0) return groups
  for (const text of signed.length === 0 ? [''] : signed.map((each) => each.join('='))) {
    if (anyOf.length > 0) groups.push(anyOf.map((auditor) => `s${auditor}${text}`))
    for (const auditor of allOf) groups.push([`s${auditor}${text}`])
  }
  return groups
}

/** What of a demand is looked up in the offer itself; `undefined` where nothing is. */
const restOf = (asked: Asked, mostNanoUsd: bigint | undefined, demand: Demand, now: number): CompiledDemand['rest'] => {
  const { attributes, operators, anyOf, allOf } = asked
  const isSigned = anyOf.length + allOf.length > 0
  const isNamed = asked.providers.length + asked.excluded.length > 0
  const isDear = mostNanoUsd !== undefined && mostNanoUsd > BigInt(Number.MAX_SAFE_INTEGER)
  if (attributes.length + operators.length === 0 && !isSigned && !isNamed && !isDear) return
  const providers = isNamed ? new Set(asked.providers) : undefined
  const excluded = isNamed ? new Set(asked.excluded) : undefined
  return (offer) => {
    for (const [name, text] of attributes) {
      if (offer.attributes[name] !== text || !Object.hasOwn(offer.attributes, name)) return false
    }
    if (operators.length > 0 && (offer.operator === undefined || !operators.includes(offer.operator))) return false
    if (providers !== undefined && providers.size > 0 && !providers.has(offer.provider)) return false
    if (excluded?.has(offer.provider) === true) return false
    if (isDear && offer.price.nanoUsd > mostNanoUsd) return false
    if (!isSigned) return true
    const isSignedBy = (auditor: Address): boolean =>
      offer.attestations?.some(
        (each) => each.record.auditor === auditor && attests(each, offer.provider, demand.placement.attributes, now),
      ) === true
    return (anyOf.length === 0 || anyOf.some(isSignedBy)) && allOf.every(isSignedBy)
  }
}

/** What the market measured of machines is looked up as well, where the demand asks for any of it. */
const withMeasures = (
  rest: CompiledDemand['rest'],
  demand: Demand,
  isAsked: (requirement: string) => boolean,
): CompiledDemand['rest'] => {
  if (demand.resources.gflops === undefined && demand.resources.reproducible === undefined) return rest
  return (offer) =>
    failedMeasures(demand, offer).every(({ requirement }) => !isAsked(requirement)) && (rest?.(offer) ?? true)
}

const gpusOf = ({ resources: { gpu } }: Demand, isAsked: (requirement: string) => boolean): WantedGpus | undefined =>
  gpu && {
    mayBeUnnamed: !isAsked('resources.gpu'),
    lists: [
      isAsked('resources.gpu.vendors') ? gpu.vendors : nothing,
      isAsked('resources.gpu.models') ? gpu.models : nothing,
      isAsked('resources.gpu.interfaces') ? gpu.interfaces : nothing,
    ],
  }

const always = (): boolean => true

/**
 * Prepares a demand for the rows as they are now; it means the same as `failedRequirements`, slots, unit and kind of GPU aside,
 * without those that are waived.
 */
export const compileDemand = (
  demand: Demand,
  rows: OfferRows,
  now: number,
  waived: ReadonlySet<string> | undefined,
): CompiledDemand => {
  const isAsked = waived === undefined ? always : (requirement: string) => !waived.has(requirement)
  const { resources, maxPrice, execSpec = '' } = demand
  const { gpu, network } = resources
  const needs = new Float64Array(8)
  if (isAsked('resources.cpuMilli')) needs[0] = resources.cpuMilli
  if (isAsked('resources.memoryBytes')) needs[1] = resources.memoryBytes
  if (isAsked('resources.diskBytes')) needs[2] = resources.diskBytes
  if (isAsked('resources.gpuCount')) needs[3] = resources.gpuCount
  if (gpu !== undefined && isAsked('resources.gpu') && isAsked('resources.gpu.vramBytes')) needs[4] = gpu.vramBytes
  if (network !== undefined && isAsked('resources.network.downMbps')) needs[5] = network.downMbps
  if (network !== undefined && isAsked('resources.network.upMbps')) needs[6] = network.upMbps
  if (isAsked('expiry')) needs[7] = Math.floor(now) + 1
  const asked = askedOf(demand, isAsked)
  const termsOf = (column: string, texts: readonly string[]): readonly number[] | undefined =>
    texts.length === 0 ? undefined : texts.map((text) => rows.terms.find(column + text))
  const regions = termsOf('r', asked.regions)
  const countries = termsOf('c', asked.countries)
  const execSpecs = execSpec === '' || !isAsked('execSpec') ? undefined : [rows.terms.find(`e${execSpec}`)]
  const tokens = tokensWanted(asked)
  const runtimes = isAsked('runtime') ? runtimeBits([demand.runtime]) : undefined
  const mostNanoUsd = isAsked('price') ? maxPrice.nanoUsd : undefined
  return {
    runtimes: runtimes ?? -1,
    gpuCount: needs[3] ?? 0,
    gpus: gpusOf(demand, isAsked),
    need: {
      measures: needs,
      code: sizeCode(needs, 0),
      runtimes: runtimeCode(runtimes ?? 0),
      traits: traitNeed(regions, countries, execSpecs, tokens.length === 0 ? nothing : certainTokens(tokens)),
      mostPrice: mostNanoUsd === undefined ? Infinity : Number(mostNanoUsd),
    },
    regions,
    countries,
    execSpecs,
    tokens,
    sells: (offer) => failedTerms(demand, offer, now).every(({ requirement }) => !isAsked(requirement)),
    asksTerms: demand.lease !== undefined,
    rest: withMeasures(restOf(asked, mostNanoUsd, demand, now), demand, isAsked),
  }
}
