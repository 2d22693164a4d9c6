/** An exact number: `numerator / denominator`, with a denominator above zero. */
export interface Ratio {
  readonly numerator: bigint
  readonly denominator: bigint
}

export const whole = (value: bigint): Ratio => ({ numerator: value, denominator: 1n })

/** Parts in a million: what factors and shares of a pricing policy are written in. */
export const million = 1_000_000n

export const fromMillionths = (millionths: bigint): Ratio => ({ numerator: millionths, denominator: million })

export const one: Ratio = whole(1n)

export const multiply = (a: Ratio, b: Ratio): Ratio => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
})

export const add = (a: Ratio, b: Ratio): Ratio => ({
  numerator: a.numerator * b.denominator + b.numerator * a.denominator,
  denominator: a.denominator * b.denominator,
})

/** Whether `a` is less than `b`. */
export const isLess = (a: Ratio, b: Ratio): boolean => a.numerator * b.denominator < b.numerator * a.denominator

/** The least whole number that is not below a ratio of zero or more. */
export const roundUp = ({ numerator, denominator }: Ratio): bigint => (numerator + denominator - 1n) / denominator

/** In decimal: exact where `digits` decimals are enough, else cut there and ended by `…`. For ratios of zero or more. */
export const sayRatio = ({ numerator, denominator }: Ratio, digits = 6): string => {
  const scale = 10n ** BigInt(digits)
  const scaled = (numerator * scale) / denominator
  const isExact = scaled * denominator === numerator * scale
  const fraction = (scaled % scale).toString().padStart(digits, '0').replace(/0+$/, '')
  return `${scaled / scale}${fraction === '' ? '' : `.${fraction}`}${isExact ? '' : '…'}`
}
