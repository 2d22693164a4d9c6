import { formatUsd } from '@muster/sdk'

const dollars = (nanoUsd: string): string => formatUsd(BigInt(nanoUsd))

/** What is found is of the unit that was expected before it, though it may not say so. */
const amounts = /(-?\b\d{1,19}) nano-dollars(?:([^.;]{0,80}?\bfound )(-?\d{1,19})\b)?/g

/** A sentence with its nano-dollars as dollars: `at most 5 nano-dollars, found 7` → `at most $0.000000005, found $0.000000007`. */
export const sayAmounts = (text: string): string =>
  text.replace(
    amounts,
    (_, amount: string, between?: string, found?: string) =>
      dollars(amount) + (between === undefined || found === undefined ? '' : between + dollars(found)),
  )

const amountNames = new Set([
  'amount',
  'balance',
  'bond',
  'ceiling',
  'charged',
  'credit',
  'deposit',
  'escrow',
  'nanoUsd',
  'paid',
  'price',
  'refund',
  'stake',
])

const comparesAmounts = new Set(['insufficient_funds', 'insufficient_bond', 'ledger_unbalanced'])

/** Whether a fact of an error is an amount of money: by its name, or by what the error is about. */
export const isAmount = (code: string, name: string, value: unknown): value is string | number | bigint =>
  (typeof value === 'bigint' ||
    Number.isSafeInteger(value) ||
    (typeof value === 'string' && /^-?\d{1,19}$/.test(value))) &&
  (amountNames.has(name) || (comparesAmounts.has(code) && (name === 'expected' || name === 'found')))

/** `$5000.00 (5000000000000 nano-dollars)` */
export const sayAmount = (nanoUsd: string | number | bigint): string =>
  `${formatUsd(BigInt(nanoUsd))} (${nanoUsd} nano-dollars)`
