import type { Series } from './trade.ts'

type Unit = Pick<Series, 'kind' | 'per'>

const nanoPerUsd = 1e9
const operatorsShown = 1e6

/** What a price is for, as people read it: `GPU-hour`, `core-hour`, `million operators`, `task`. */
export const priceUnitName = ({ kind, per }: Unit): string => {
  if (per === 'task') return 'task'
  if (per === 'operator') return 'million operators'
  return kind === 'cpu' ? 'core-hour' : 'GPU-hour'
}

/** A price in nano-dollars per unit as dollars per unit that people read. */
export const shownUsd = (price: number, { per }: Unit): number =>
  (price / nanoPerUsd) * (per === 'operator' ? operatorsShown : 1)

/** Dollars with so many significant digits, without an exponent: `$2.03`, `$0.000102`. */
export const sayUsd = (dollars: number, digits = 3): string => {
  if (dollars === 0) return '$0'
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(dollars))))
  return `$${dollars.toFixed(Math.min(20, decimals))}`
}

export interface PriceAxis {
  readonly from: number
  readonly to: number
  /** Even, round, from `from` to `to`. */
  readonly ticks: readonly number[]
  /** Decimals that tell the ticks apart. */
  readonly decimals: number
}

/** Prices that differ by less are the same to those who read them. */
const leastSpread = 1e-3

/** An axis from round to round number that holds all of the values, with about so many steps. Values that are as good as one get room around them. */
export const priceAxis = (values: readonly number[], steps: number): PriceAxis => {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const room = most - least > most * leastSpread ? 0 : Math.max(most * 0.1, 1e-9)
  const rough = (most - least + 2 * room) / steps
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((each) => each * power >= rough * 0.999) ?? 10) * power
  const first = Math.floor((Math.max(0, least - room) + step * 1e-6) / step)
  const last = Math.ceil((most + room - step * 1e-6) / step)
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step)
  const decimals = Math.min(20, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return { from: first * step, to: last * step, ticks, decimals }
}
