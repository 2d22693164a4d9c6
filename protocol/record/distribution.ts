/** Lanczos, g = 7, as in Press et al., Numerical Recipes §6.1; within 1e-13 for positive arguments. */
const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]

const logGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const y = x - 1
  const t = y + 7.5
  const sum = lanczos.reduce((total, each, index) => total + each / (y + index + 1), 0.9999999999998099)
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}

const enough = 1e-15
const tiny = 1e-300

/** The continued fraction of the incomplete beta function by Lentz' method: Numerical Recipes §6.4. */
const betaFraction = (x: number, a: number, b: number): number => {
  let c = 1
  let d = 1 / Math.max(tiny, 1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    for (const term of [even, odd]) {
      d = 1 / nonZero(1 + term * d)
      c = nonZero(1 + term / c)
      value *= c * d
    }
    if (Math.abs(c * d - 1) < enough) break
  }
  return value
}

const nonZero = (x: number): number => (Math.abs(x) < tiny ? tiny : x)

/** P(X ≤ x) of Beta(a, b). */
export const betaCdf = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b
}

/** P(X ≤ x) of Gamma with this shape and rate 1: series below the mean, continued fraction above it. */
const gammaCdf = (x: number, shape: number): number => {
  if (x <= 0) return 0
  const front = Math.exp(shape * Math.log(x) - x - logGamma(shape))
  if (x < shape + 1) {
    let term = 1 / shape
    let sum = term
    for (let n = 1; n <= 100_000 && term > sum * enough; n++) {
      term *= x / (shape + n)
      sum += term
    }
    return front * sum
  }
  let b = x + 1 - shape
  let c = 1 / tiny
  let d = 1 / b
  let value = d
  for (let n = 1; n <= 100_000; n++) {
    const term = -n * (n - shape)
    b += 2
    d = 1 / nonZero(term * d + b)
    c = nonZero(b + term / c)
    value *= c * d
    if (Math.abs(c * d - 1) < enough) break
  }
  return 1 - front * value
}

/** Where a rising function between `low` and `high` reaches `p`. */
const bisect = (cdf: (x: number) => number, p: number, low: number, high: number): number => {
  let [from, to] = [low, high]
  for (let i = 0; i < 200 && to - from > enough * to; i++) {
    const middle = (from + to) / 2
    if (cdf(middle) < p) from = middle
    else to = middle
  }
  return (from + to) / 2
}

/** The value that Beta(a, b) stays below with probability `p`. */
export const betaQuantile = (p: number, a: number, b: number): number => bisect((x) => betaCdf(x, a, b), p, 0, 1)

/** The value that Gamma(shape, rate) stays below with probability `p`. */
export const gammaQuantile = (p: number, shape: number, rate: number): number => {
  let high = shape + 1
  while (gammaCdf(high, shape) < p) high *= 2
  return bisect((x) => gammaCdf(x, shape), p, 0, high) / rate
}

/** The value that Student's t with so many degrees of freedom stays below with probability `p` of a half or more. */
export const studentQuantile = (p: number, degrees: number): number => {
  const z = betaQuantile(2 * (1 - p), degrees / 2, 0.5)
  return Math.sqrt((degrees * (1 - z)) / z)
}
