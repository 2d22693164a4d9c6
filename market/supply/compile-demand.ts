import { attests, type Address, type Demand, type Offer } from '@muster/protocol'
import { isKindWanted } from './gpu-kind.ts'
import { runtimeBits, termColumns, type OfferRows } from './offer-rows.ts'
import { measureCount, type Need } from './price-tree.ts'
import { sizeCode } from './size-code.ts'
import { traitNeed } from './trait-code.ts'

/** A demand as a search needs it: numbers to compare with those of a row. */
export interface CompiledDemand {
  readonly runtimeBit: number
  readonly gpuCount: number
  /** What a row must at least have, in the order of its measures, and at most cost. */
  readonly need: Need
  /** Groups of tokens of which an offer must have one. */
  readonly tokens: readonly (readonly string[])[]
  /** Whether GPUs of this kind do. */
  isKindWanted(kind: number): boolean
  /** Whether the offer in this row fits, its unit, runtime and kind of GPU aside. */
  fits(row: number): boolean
}

/** What few offers have in common, as texts to find them by. */
export const tokensOf = ({ region, country, operator, attributes, attestations }: Offer): string[] => {
  const tokens = [`r${region}`, `c${country}`, `r${region} ${country}`]
  if (operator !== undefined) tokens.push(`o${operator}`)
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

const tokensWanted = ({ placement }: Demand): string[][] => {
  const { regions, countries, operators = [], attributes, signedBy } = placement
  const { anyOf, allOf } = signedBy ?? { anyOf: [], allOf: [] }
  const asked = Object.entries(attributes).map(([name, text]) => `${name}=${text}`)
  const signed = asked.length === 0 ? [''] : asked
  return [
    regions.map((region) => `r${region}`),
    countries.map((country) => `c${country}`),
    countries.flatMap((country) => regions.map((region) => `r${region} ${country}`)),
    operators.map((operator) => `o${operator}`),
    ...asked.map((attribute) => [`a${attribute}`]),
    ...signed.map((attribute) => anyOf.map((auditor) => `s${auditor}${attribute}`)),
    ...signed.flatMap((attribute) => allOf.map((auditor) => [`s${auditor}${attribute}`])),
  ].filter((group) => group.length > 0)
}

/** What of a demand is looked up in the offer itself; `undefined` where nothing is. */
const restOf = (demand: Demand, now: number): ((offer: Offer) => boolean) | undefined => {
  const { placement, maxPrice } = demand
  const attributes = Object.entries(placement.attributes)
  const operators = placement.operators ?? []
  const { anyOf, allOf } = placement.signedBy ?? { anyOf: [], allOf: [] }
  const providers = new Set(placement.providers)
  const excluded = new Set(placement.excludeProviders)
  const isSigned = anyOf.length + allOf.length > 0
  const isDear = maxPrice.nanoUsd > BigInt(Number.MAX_SAFE_INTEGER)
  if (attributes.length + operators.length + providers.size + excluded.size === 0 && !isSigned && !isDear) return
  return (offer) => {
    for (const [name, text] of attributes) {
      if (offer.attributes[name] !== text || !Object.hasOwn(offer.attributes, name)) return false
    }
    if (operators.length > 0 && (offer.operator === undefined || !operators.includes(offer.operator))) return false
    if (providers.size > 0 && !providers.has(offer.provider)) return false
    if (excluded.has(offer.provider)) return false
    if (isDear && offer.price.nanoUsd > maxPrice.nanoUsd) return false
    if (!isSigned) return true
    const isSignedBy = (auditor: Address): boolean =>
      offer.attestations?.some(
        (each) => each.record.auditor === auditor && attests(each, offer.provider, placement.attributes, now),
      ) === true
    return (anyOf.length === 0 || anyOf.some(isSignedBy)) && allOf.every(isSignedBy)
  }
}

/** Prepares a demand for the rows as they are now; it means the same as `failedRequirements`, slots aside. */
export const compileDemand = (demand: Demand, rows: OfferRows, now: number): CompiledDemand => {
  const { resources, placement, maxPrice, execSpec = '' } = demand
  const { gpu, network } = resources
  const needs = Float64Array.of(
    resources.cpuMilli,
    resources.memoryBytes,
    resources.diskBytes,
    resources.gpuCount,
    gpu?.vramBytes ?? 0,
    network?.downMbps ?? 0,
    network?.upMbps ?? 0,
    Math.floor(now) + 1,
  )
  const wantedTerms = (texts: readonly string[]): readonly number[] | undefined =>
    texts.length === 0 ? undefined : texts.map((text) => rows.terms.find(text))
  const regions = wantedTerms(placement.regions.map((region) => `r${region}`))
  const countries = wantedTerms(placement.countries.map((country) => `c${country}`))
  const execSpecs = wantedTerms(execSpec === '' ? [] : [`e${execSpec}`])
  const measures = rows.measures()
  const tokens = tokensWanted(demand)
  const rest = restOf(demand, now)
  const kinds = new Map<number, boolean>()

  return {
    runtimeBit: runtimeBits([demand.runtime]),
    gpuCount: resources.gpuCount,
    need: {
      measures: needs,
      code: sizeCode(needs, 0),
      traits: traitNeed(regions, countries, execSpecs, certainTokens(tokens)),
      mostPrice: Number(maxPrice.nanoUsd),
    },
    tokens,
    isKindWanted: (kind) => {
      if (gpu === undefined) return true
      const known = kinds.get(kind)
      if (known !== undefined) return known
      const isWanted = isKindWanted(rows.terms.textOf(kind), gpu)
      kinds.set(kind, isWanted)
      return isWanted
    },
    fits: (row) => {
      for (let index = 0, from = row * measureCount; index < measureCount; index++, from++) {
        if ((measures[from] ?? 0) < (needs[index] ?? 0)) return false
      }
      if (regions !== undefined && !regions.includes(rows.term(row, termColumns.region))) return false
      if (countries !== undefined && !countries.includes(rows.term(row, termColumns.country))) return false
      if (execSpecs !== undefined && !execSpecs.includes(rows.term(row, termColumns.execSpec))) return false
      return rest === undefined || rest(rows.offer(row).record)
    },
  }
}
