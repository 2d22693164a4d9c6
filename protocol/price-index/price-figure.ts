import { studentQuantile } from '../record/distribution.ts'
import { capWeights, type Pair } from './cap-weights.ts'
import { indexRules } from './index-rules.ts'
import { partsPerUnit, type Series, type Trade } from './trade.ts'

/** Why there is no price: nothing was traded, by too few, or so much of it by so few that it would be theirs. */
export type Withheld = 'no-trades' | 'too-few' | 'too-concentrated'

/** A published price in nano-dollars per unit, and how sure it is. */
export interface PriceFigure {
  readonly price: number
  /** Holds the price with the probability `indexRules.confidence`. */
  readonly low: number
  readonly high: number
  /** Units traded: hours of a GPU or of a core, operators, or tasks. Outliers are not in it. */
  readonly volume: number
  readonly leases: number
  readonly providers: number
  readonly tenants: number
  /** Pairs of a provider and a tenant that were left out as outliers. */
  readonly outliers: number
}

interface Deal extends Pair {
  /** Nano-dollars per unit. */
  readonly price: number
  readonly volume: number
  readonly leases: number
}

const dealsOf = (series: Pick<Series, 'kind' | 'per'>, trades: Iterable<Trade>): Deal[] => {
  const sums = new Map<string, { pair: Pair; amount: bigint; quantity: bigint; leases: number }>()
  for (const { provider, tenant, amount, quantity, leases } of trades) {
    const key = `${provider} ${tenant}`
    const sum = sums.get(key) ?? { pair: { provider, tenant }, amount: 0n, quantity: 0n, leases: 0 }
    sums.set(key, sum)
    sum.amount += amount
    sum.quantity += quantity
    sum.leases += leases
  }
  const parts = partsPerUnit(series)
  return [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { pair, amount, quantity, leases }]) => ({
      ...pair,
      price: (Number(amount) / Number(quantity)) * parts,
      volume: Number(quantity) / parts,
      leases,
    }))
}

const weightedMedian = (values: readonly number[], weights: readonly number[]): number => {
  const order = values.map((_, index) => index).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  let sum = 0
  for (const at of order) {
    sum += weights[at] ?? 0
    if (sum >= 0.5 - 1e-12) return values[at] ?? 0
  }
  return values[order.at(-1) ?? 0] ?? 0
}

/** Of a normal distribution, the standard deviation over the median absolute deviation. */
const normalScale = 1.4826

/** Those whose price is near enough to the median that no participant sets alone. */
const withoutOutliers = (deals: readonly Deal[], weights: readonly number[]): Deal[] => {
  const logs = deals.map(({ price }) => Math.log(price))
  const median = weightedMedian(logs, weights)
  const distances = logs.map((log) => Math.abs(log - median))
  const spread = normalScale * weightedMedian(distances, weights)
  const reach = Math.max(indexRules.deviations * spread, Math.log(indexRules.leastFactor)) + 1e-12
  return deals.filter((_, index) => (distances[index] ?? 0) <= reach)
}

const countOf = (deals: readonly Deal[], of: (deal: Deal) => string): number => new Set(deals.map(of)).size

const isEnough = (deals: readonly Deal[]): boolean => {
  const { leastProviders, leastTenants, leastPairs, leastOthers } = indexRules
  const ofWhom = (of: (deal: Deal) => string): number =>
    Math.max(
      0,
      ...Map.groupBy(deals, of)
        .values()
        .map(({ length }) => length),
    )
  const mostOfOne = Math.max(
    ofWhom(({ provider }) => provider),
    ofWhom(({ tenant }) => tenant),
  )
  return (
    countOf(deals, ({ provider }) => provider) >= leastProviders &&
    countOf(deals, ({ tenant }) => tenant) >= leastTenants &&
    deals.length >= leastPairs &&
    deals.length - mostOfOne >= leastOthers
  )
}

/**
 * Half the width of the interval of a weighted mean. Deals of one provider are alike, and so are those of one tenant: the variance is the
 * two-way cluster variance of Cameron, Gelbach and Miller (2011), never less than that of either way alone, with Student's t of
 * the fewer participants less one.
 */
const halfWidth = (deals: readonly Deal[], weights: readonly number[], mean: number): number => {
  const scores = deals.map(({ price }, index) => (weights[index] ?? 0) * (price - mean))
  const variance = (of: (deal: Deal, index: number) => string): number => {
    const sums = new Map<string, number>()
    for (const [index, deal] of deals.entries()) {
      const key = of(deal, index)
      sums.set(key, (sums.get(key) ?? 0) + (scores[index] ?? 0))
    }
    const squares = [...sums.values()].reduce((sum, each) => sum + each * each, 0)
    return (squares * sums.size) / (sums.size - 1)
  }
  const [byProvider, byTenant] = [variance(({ provider }) => provider), variance(({ tenant }) => tenant)]
  const byPair = variance((_, index) => String(index))
  const fewest = Math.min(
    countOf(deals, ({ provider }) => provider),
    countOf(deals, ({ tenant }) => tenant),
  )
  const error = Math.sqrt(Math.max(byProvider + byTenant - byPair, byProvider, byTenant, byPair))
  return studentQuantile((1 + indexRules.confidence) / 2, fewest - 1) * error
}

const rounded = (value: number, digits: number): number => Number(value.toPrecision(digits))

/**
 * The price of a series from its trades, all of that series: the mean of what pairs of a provider and a tenant paid, weighted by volume, each weight capped, without
 * outliers; or why there is none. A pure function of the trades, whatever their order; see docs/spec/price-index.md.
 */
export const priceFigure = (series: Pick<Series, 'kind' | 'per'>, trades: Iterable<Trade>): PriceFigure | Withheld => {
  const all = dealsOf(series, trades)
  if (all.length === 0) return 'no-trades'
  if (!isEnough(all)) return 'too-few'
  const volumesOf = (deals: readonly Deal[]): number[] => deals.map(({ volume }) => volume)
  const weightsOfAll = capWeights(all, volumesOf(all))
  if (weightsOfAll === undefined) return 'too-concentrated'
  const deals = withoutOutliers(all, weightsOfAll)
  if (!isEnough(deals)) return 'too-few'
  const weights = capWeights(deals, volumesOf(deals))
  if (weights === undefined) return 'too-concentrated'
  const mean = deals.reduce((sum, { price }, index) => sum + price * (weights[index] ?? 0), 0)
  const half = halfWidth(deals, weights, mean)
  const { priceDigits, volumeDigits } = indexRules
  return {
    price: rounded(mean, priceDigits),
    low: rounded(Math.max(0, mean - half), priceDigits),
    high: rounded(mean + half, priceDigits),
    volume: rounded(
      deals.reduce((sum, { volume }) => sum + volume, 0),
      volumeDigits,
    ),
    leases: deals.reduce((sum, { leases }) => sum + leases, 0),
    providers: countOf(deals, ({ provider }) => provider),
    tenants: countOf(deals, ({ tenant }) => tenant),
    outliers: all.length - deals.length,
  }
}
