import { formatUsd, type Issue, type MusterError } from '@muster/protocol'
import { printable } from '../log/printable.ts'
import { clockOf, localTime } from './local-time.ts'
import type { PricePolicy } from './price-policy.ts'
import type { Enquiry, Quote } from './quote.ts'
import { multiply, sayRatio, type Ratio } from './ratio.ts'

const columnGap = '  '

/** Aligned columns, one line a row; the columns in `right` end at the same place. */
const renderColumns = (rows: readonly (readonly string[])[], right: readonly number[] = []): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const cell = (text: string, at: number): string =>
    right.includes(at) ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)
  return rows.map((row) => `  ${row.map(cell).join(columnGap).trimEnd()}\n`).join('')
}

/** Nano-dollars as dollars, with the parts of a nano-dollar that are not rounded away yet. */
const sayDollars = (nanoUsd: Ratio): string => {
  const text = sayRatio(multiply(nanoUsd, { numerator: 1n, denominator: 1_000_000_000n }), 12)
  const [dollars = '', cents = ''] = text.split('.')
  return `$${dollars}.${cents.padEnd(2, '0')}`
}

/** `2026-11-20T21:15:00.000Z (fri 22:15 Europe/Berlin)`. */
const sayTime = (at: number, timeZone: string): string => {
  const { weekday, minute } = localTime(at, timeZone)
  return `${new Date(at).toISOString()} (${weekday} ${clockOf(minute)} ${timeZone})`
}

/** A quote for a person: the price or the refusal, what it was asked for, and every step. */
export const renderQuote = (policy: PricePolicy, { order, slots, at }: Enquiry, quote: Quote): string => {
  const head =
    quote.price === null
      ? `No price: ${quote.refusal.message}\n  expected ${quote.refusal.expected}, found ${quote.refusal.found} (${quote.refusal.reason})\n`
      : `${formatUsd(quote.price.nanoUsd)} per ${quote.price.per} and slot, for ${slots} ${slots === 1 ? 'slot' : 'slots'} of ${order.runtime}${order.lease === undefined ? '' : `, ${order.lease}`}\n`
  const steps = quote.steps.flatMap(({ step, what, factor, nanoUsd, parts }) => [
    ...parts.map((part) => ['', part.what, '', sayDollars(part.nanoUsd)]),
    [step, what, factor === null ? '' : `× ${sayRatio(factor)}`, sayDollars(nanoUsd)],
  ])
  const table =
    steps.length === 0 ? '' : `\n${renderColumns([['STEP', 'WHAT', 'FACTOR', 'DOLLARS'], ...steps], [2, 3])}`
  return printable(`${head}  at ${sayTime(at, policy.timeZone)}\n${table}`)
}

/** A quote as one JSON document: amounts in nano-dollars as decimal text, exact to 15 decimals. */
export const quoteDocument = ({ order, slots, utilisation, market, at }: Enquiry, quote: Quote) => ({
  price: quote.price,
  refusal: quote.refusal,
  order: { runtime: order.runtime, unit: order.unit, lease: order.lease ?? 'on-demand', tenant: order.tenant, slots },
  market,
  utilisation,
  at: new Date(at).toISOString(),
  steps: quote.steps.map(({ step, what, factor, nanoUsd, parts }) => ({
    step,
    what,
    factor: factor === null ? null : sayRatio(factor, 15),
    nanoUsd: sayRatio(nanoUsd, 15),
    parts: parts.map((part) => ({ what: part.what, nanoUsd: sayRatio(part.nanoUsd, 15) })),
  })),
})

const isIssues = (value: unknown): value is readonly Issue[] => Array.isArray(value)

/** An error for a person: the sentence, and where there are more mistakes than one, each with its place. */
export const renderMistakes = (error: MusterError): string => {
  const issues = error.facts['issues']
  const rows = isIssues(issues) ? issues.map(({ path, expected, found }) => [path || 'the whole', expected, found]) : []
  const table = rows.length === 0 ? '' : `\n${renderColumns([['WHERE', 'EXPECTED', 'FOUND'], ...rows])}`
  return printable(`${error.message}\n${table}`)
}
