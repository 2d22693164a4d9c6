import { parseUsd, type NanoUsd } from '../money/money.ts'
import type { Price } from '../money/price.ts'
import { z } from 'zod'

const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const scaled = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? []
  const scale = units[unit]
  if (number === undefined || scale === undefined) return undefined
  const value = Number(number) * scale
  return Number.isInteger(value) ? value : Math.round(value)
}

/** Dollars of text or of a number in YAML; undefined for anything else. */
const dollars = (value: string | number): NanoUsd | undefined => {
  const text =
    typeof value === 'number'
      ? value.toFixed(9)
      : value
          .trim()
          .replace(/^\$/, '')
          .replace(/\s*USD$/i, '')
  if (typeof value === 'number' && Number(text) !== value) return undefined
  try {
    const amount = parseUsd(text)
    return amount < 0n ? undefined : amount
  } catch {
    return undefined
  }
}

const parsing =
  <Written, Parsed>(parse: (value: Written) => Parsed | undefined, expected: string) =>
  (value: Written, context: z.RefinementCtx): Parsed => {
    const parsed = parse(value)
    if (parsed !== undefined) return parsed
    context.addIssue({ code: 'custom', message: `expected ${expected}` })
    return z.NEVER
  }

const sizeExpected = 'a size such as 1GiB or 512MB'
/** Bytes: `1GiB`, `512MB`, or a whole number of them. */
export const sizeSchema = z
  .union([z.string(), z.int().min(0)], { error: `expected ${sizeExpected}` })
  .transform(parsing((value) => (typeof value === 'number' ? value : scaled(value, sizes)), sizeExpected))
  .meta({ description: 'Bytes: a size such as 1GiB or 512MB, or a whole number of bytes.' })

const durationExpected = 'a time such as 30s or 10m'
/** Milliseconds: `250ms`, `30s`, `10m`, `2h`. */
export const durationSchema = z
  .string({ error: `expected ${durationExpected}` })
  .transform(parsing((value) => scaled(value, durations), durationExpected))
  .meta({ description: 'A time such as 250ms, 30s, 10m or 2h.' })

const coresExpected = 'cores such as 1, 0.5 or 500m'
const thousandths = (value: string | number): number | undefined => {
  const text = String(value).trim()
  if (/^\d+m$/.test(text)) return Number(text.slice(0, -1))
  if (!/^\d+(\.\d{1,3})?$/.test(text)) return undefined
  return Math.round(Number(text) * 1000)
}
/** Thousandths of a core: `1`, `0.5`, `500m`. */
export const coresSchema = z
  .union([z.string(), z.number()], { error: `expected ${coresExpected}` })
  .transform(parsing(thousandths, coresExpected))
  .meta({ description: 'Cores: 1, 0.5 or 500m.' })

const amountExpected = 'dollars such as 1.50 USD (9 decimals at most)'
/** Nano-dollars: `1.50 USD`, `$1.50`, `1.50`. */
export const amountSchema = z
  .union([z.string(), z.number()], { error: `expected ${amountExpected}` })
  .transform(parsing(dollars, amountExpected))
  .meta({ description: 'Dollars with at most 9 decimals: "1.50 USD", "$1.50" or 1.5.' })

const units = ['task', 'operator', 'hour'] as const
const priceExpected = 'a price such as 0.0000005 USD per operator (9 decimals at most)'

const priceOf = (text: string): Price | undefined => {
  const [, amount = '', unit = ''] = /^(.+?)\s*(?:\bper\b|\/)\s*(\w+)$/.exec(text.trim()) ?? []
  const nanoUsd = dollars(amount)
  const per = units.find((one) => one === unit)
  return nanoUsd === undefined || per === undefined ? undefined : { nanoUsd, per }
}

/** `0.0000005 USD per operator`, `$0.01 / task`, or `{usd, per}`. */
export const writtenPriceSchema = z
  .union([
    z.string({ error: `expected ${priceExpected}` }).transform(parsing(priceOf, priceExpected)),
    z
      .strictObject({ usd: amountSchema, per: z.enum(units) }, { error: `expected ${priceExpected}` })
      .transform(({ usd, per }): Price => ({ nanoUsd: usd, per })),
  ])
  .meta({ description: 'A price such as "0.0000005 USD per operator", or {usd, per}.' })
