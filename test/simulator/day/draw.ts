import type { Random } from '../world/random.ts'

/** Standard normal, by Box and Muller. */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())

export const logNormal = (random: Random, median: number, sigma: number): number =>
  median * Math.exp(sigma * normal(random))

export const exponential = (random: Random, mean: number): number => -mean * Math.log(1 - random.next())

/** Shape below 1: whoever has been up for long is the less likely to go. */
export const weibull = (random: Random, shape: number, scale: number): number =>
  scale * (-Math.log(1 - random.next())) ** (1 / shape)

/** Pareto between two bounds: `alpha` near 1 puts as much into the few large ones as into the many small ones. */
export const boundedPareto = (random: Random, alpha: number, low: number, high: number): number => {
  const most = 1 - (low / high) ** alpha
  return low * (1 - random.next() * most) ** (-1 / alpha)
}

/** One of the kinds, by their shares, which add up to 1. */
export const byShare = <Kind extends { readonly share: number }>(random: Random, kinds: readonly Kind[]): Kind => {
  let left = random.next()
  for (const kind of kinds) {
    left -= kind.share
    if (left < 0) return kind
  }
  return random.pick(kinds)
}
