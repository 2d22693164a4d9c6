/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Of an exponential distribution with mean 1. */
export const drawExponential = (random: () => number): number => -Math.log1p(-random())

/** Of a normal distribution with mean 0 and variance 1. */
export const drawNormal = (random: () => number): number =>
  Math.sqrt(2 * drawExponential(random)) * Math.cos(2 * Math.PI * random())

/** Of a gamma distribution with this shape, a whole number of halves, and rate 1. */
export const drawGamma = (random: () => number, shape: number): number => {
  let sum = shape % 1 === 0 ? 0 : drawNormal(random) ** 2 / 2
  for (let i = 0; i < Math.floor(shape); i++) sum += drawExponential(random)
  return sum
}
