import { z } from 'zod'
import { fromMillionths } from './ratio.ts'

/** A decimal with at most six decimals, in millionths. */
const millionthsOf = (value: string | number): bigint | undefined => {
  const text = typeof value === 'number' ? value.toFixed(6) : value.trim()
  if (typeof value === 'number' && Number(text) !== value) return undefined
  const [, integer, fraction = ''] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text) ?? []
  return integer === undefined ? undefined : BigInt(integer) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}

const written = z.union([z.string(), z.number()])

const parsing =
  <Parsed>(parse: (value: string | number) => Parsed | undefined, expected: string) =>
  (value: string | number, context: z.RefinementCtx): Parsed => {
    const parsed = parse(value)
    if (parsed !== undefined) return parsed
    context.addIssue({ code: 'custom', message: `expected ${expected}` })
    return z.NEVER
  }

const mostFactor = 1000n * 1_000_000n
const factorExpected = 'a factor from 0 to 1000 such as 1.25 (6 decimals at most)'
const factorOf = (value: string | number) => {
  const millionths = millionthsOf(value)
  return millionths === undefined || millionths > mostFactor ? undefined : fromMillionths(millionths)
}
/** A ratio from 0 to 1000. */
export const factorSchema = written
  .transform(parsing(factorOf, factorExpected))
  .meta({ description: 'What the price is multiplied by: 1.25 is a quarter more, 0.8 a fifth less.' })

const shareExpected = 'a share such as 0.5 or 50%, from 0 to 1'
const shareOf = (value: string | number) => {
  const isPercent = typeof value === 'string' && value.trim().endsWith('%')
  const millionths = millionthsOf(isPercent ? value.trim().slice(0, -1).trim() : value)
  if (millionths === undefined || (isPercent && millionths % 100n !== 0n)) return undefined
  const share = isPercent ? millionths / 100n : millionths
  return share > 1_000_000n ? undefined : fromMillionths(share)
}
/** A ratio from 0 to 1, also in per cent. */
export const shareSchema = written.transform(parsing(shareOf, shareExpected))
