import { formatUsd, gpuModelOf, type NanoUsd, type PriceUnit, type Resources } from '@muster/protocol'
import type { ResourcePrices } from './price-policy.ts'
import { add, multiply, sayRatio, whole, type Ratio } from './ratio.ts'

/** What a slot holds, as far as its price depends on it. */
export interface PricedSlot {
  readonly resources: Pick<Resources, 'cpuMilli' | 'memoryBytes' | 'diskBytes' | 'gpuCount'>
  /** Models of the GPUs the slot may get; the dearest counts. */
  readonly gpuModels: readonly string[]
}

/** One part of a base price: so much of something. */
export interface BasePart {
  readonly what: string
  readonly nanoUsd: Ratio
}

const wordsOf = (name: string): string[] => name.toLowerCase().match(/[a-z0-9]+/g) ?? []

/** By the entry whose words are all in the model's name, or are it in the one word orders write it in; the one of most words counts, then the first. */
const gpuHour = ({ gpuHours, otherGpuHour }: ResourcePrices, model: string): NanoUsd | null => {
  const words = new Set(wordsOf(model))
  const word = gpuModelOf(model)
  let best: { readonly count: number; readonly nanoUsd: NanoUsd } | undefined
  for (const { name, nanoUsd } of gpuHours) {
    const named = wordsOf(name)
    const fits = named.every((each) => words.has(each)) || named.join('') === word
    if (fits && named.length > (best?.count ?? 0)) best = { count: named.length, nanoUsd }
  }
  return best?.nanoUsd ?? otherGpuHour
}

const unnamed = 'GPU of any model'

/** The dearest model a slot may get, and its price; `null` for one without a price. */
const dearest = (prices: ResourcePrices, models: readonly string[]): { model: string; nanoUsd: NanoUsd | null } => {
  const priced = (models.length === 0 ? [unnamed] : models).map((model) => ({ model, nanoUsd: gpuHour(prices, model) }))
  return priced.reduce((best, each) =>
    best.nanoUsd === null || (each.nanoUsd !== null && each.nanoUsd <= best.nanoUsd) ? best : each,
  )
}

const gib = 2n ** 30n

const part = (count: Ratio, what: string, each: NanoUsd): BasePart[] =>
  count.numerator === 0n || each === 0n
    ? []
    : [{ what: `${sayRatio(count, 3)} ${what} at ${formatUsd(each)}`, nanoUsd: multiply(count, whole(each)) }]

/** What a unit costs before all factors, by its parts; the model that has no price, where there is one. Exact. */
export const basePrice = (
  prices: ResourcePrices,
  own: NanoUsd,
  unit: PriceUnit,
  { resources, gpuModels }: PricedSlot,
): { readonly parts: readonly BasePart[]; readonly total: Ratio } | { readonly unpriced: string } => {
  const parts: BasePart[] = []
  if (unit === 'hour') {
    const { cpuMilli, memoryBytes, diskBytes, gpuCount } = resources
    const gpu = gpuCount === 0 ? null : dearest(prices, gpuModels)
    if (gpu?.nanoUsd === null) return { unpriced: gpu.model }
    parts.push(
      ...part(
        { numerator: BigInt(cpuMilli), denominator: 1000n },
        cpuMilli === 1000 ? 'core' : 'cores',
        prices.coreHour,
      ),
      ...part({ numerator: BigInt(memoryBytes), denominator: gib }, 'GiB of memory', prices.memoryGibHour),
      ...part({ numerator: BigInt(diskBytes), denominator: gib }, 'GiB of disk', prices.diskGibHour),
      ...(gpu === null ? [] : part(whole(BigInt(gpuCount)), gpu.model, gpu.nanoUsd)),
    )
  }
  if (own > 0n || parts.length === 0) parts.push({ what: `${formatUsd(own)} of the runtime`, nanoUsd: whole(own) })
  return { parts, total: parts.map(({ nanoUsd }) => nanoUsd).reduce(add) }
}
