import { z } from 'zod'
import { MusterError } from '../error/muster-error.ts'

/** Billionths of a US dollar. */
export type NanoUsd = bigint

const nanoPerUsd = 1_000_000_000n
const decimalPattern = /^(-?)(\d{1,9})(?:\.(\d{1,9}))?$/

/** `"0.0000125"` → 12500n. At most 9 decimals and under a billion dollars; anything else is `request_invalid`. */
export const parseUsd = (text: string): NanoUsd => {
  const match = decimalPattern.exec(text)
  if (match === null) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'An amount in dollars is a decimal number with at most 9 decimals, such as 0.0025.',
      facts: { expected: 'decimal dollars', found: text.slice(0, 64) },
    })
  }
  const [, sign, whole, fraction = ''] = match
  const magnitude = BigInt(whole ?? '0') * nanoPerUsd + BigInt(fraction.padEnd(9, '0'))
  return sign === '-' ? -magnitude : magnitude
}

/** `12500n` → `"$0.0000125"`: never rounded, at least two decimals. */
export const formatUsd = (amount: NanoUsd): string => {
  const magnitude = amount < 0n ? -amount : amount
  const fraction = (magnitude % nanoPerUsd)
    .toString()
    .padStart(9, '0')
    .replace(/0{1,7}$/, '')
  return `${amount < 0n ? '-' : ''}$${magnitude / nanoPerUsd}.${fraction}`
}

/**
 * Nano-dollars in a message: a bigint or an integer in CBOR, a decimal string in JSON.
 * Parses to a bigint within a signed 64-bit column.
 */
export const nanoUsdSchema = z
  .union([
    z.bigint(),
    z.int().transform(BigInt),
    z
      .string()
      .regex(/^-?\d{1,19}$/)
      .transform(BigInt),
  ])
  .refine((amount) => amount <= 2n ** 63n - 1n && amount >= -(2n ** 63n), { error: 'amount out of range' })
  .meta({
    type: 'string',
    pattern: '^-?\\d{1,19}$',
    description: 'Nano-dollars (billionths of a US dollar), in decimal.',
  })

export const nonNegativeNanoUsdSchema = nanoUsdSchema.refine((amount) => amount >= 0n, {
  error: 'expected an amount of zero or more',
})
