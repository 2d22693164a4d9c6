import type { RecordFigure } from '@muster/sdk'

export const figureLabels: Readonly<Record<RecordFigure['name'], string>> = {
  refusal: 'refuses',
  hazard: 'disappears',
  success: 'succeeds',
  start: 'start-up',
  duration: 'duration',
  mismatch: 'mismatches',
}

const digits = (value: number): string => (value < 0.095 ? value.toPrecision(2) : value.toPrecision(3))

/** A value of a figure in its unit: a share in percent, a hazard per hour, a factor of the program's median. */
export const formatFigure = (name: RecordFigure['name'], value: number): string => {
  if (name === 'hazard') return `${plain(digits(value))} / h`
  if (isFactor(name)) return `${plain(digits(value))} ×`
  return `${(value * 100).toFixed(1)} %`
}

/** Without an exponent. */
const plain = (text: string): string => (text.includes('e') ? Number(text).toFixed(8).replace(/0+$/, '0') : text)

type Evidence = Readonly<Record<string, number>>

const isFactor = (name: RecordFigure['name']): boolean => name === 'start' || name === 'duration'

/** `1 outage`, `0.5 hours`. */
const sayCount = (count: number, what: string): string => {
  const rounded = Number(count.toFixed(2))
  return `${rounded} ${rounded === 1 ? what.replace(/s$/, '') : what}`
}

const sayCounts = (evidence: Evidence): string =>
  Object.entries(evidence)
    .map(([what, count]) => sayCount(count, what))
    .join(', ')

const sayLeases = (count = 0): string => sayCount(count, 'leases')

/** `0.5 failed, 9.5 succeeded`; of a factor `1 lease at 1 ×`. */
export const formatPrior = (name: RecordFigure['name'], prior: Evidence): string =>
  isFactor(name) ? `${sayLeases(prior['weight'])} at 1 ×` : sayCounts(prior)

/** `2 failed, 40 succeeded`; of a factor `3 leases`. */
export const formatSeen = (name: RecordFigure['name'], seen: Evidence): string =>
  isFactor(name) ? sayLeases(seen['count']) : sayCounts(seen)
