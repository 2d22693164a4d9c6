import { explainIssues, MusterError, runtimeKinds, sayIssues } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import { parsePrices } from '../offer/read-prices.ts'
import { compilePolicy } from './compile-policy.ts'
import { policyFileSchema } from './policy-file.ts'
import { flatPolicy, type PricePolicy } from './price-policy.ts'
import { readYaml } from './read-yaml.ts'

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const flatMembers = new Set(['usd', 'per'])

/** A price file of one price for each runtime, `{"graph": {"usd": …, "per": …}}`: JSON without a version. */
const isFlat = (text: string, value: unknown): boolean =>
  isMap(value) &&
  !Object.hasOwn(value, 'apiVersion') &&
  (Object.keys(value).length === 0
    ? text.trim() !== ''
    : runtimeKinds.some((kind) => {
        const price = value[kind]
        return isMap(price) && Object.keys(price).some((name) => flatMembers.has(name))
      }))

/**
 * A pricing policy (docs/spec/pricing.md) from YAML or JSON, or one price for each runtime from the JSON of `parsePrices`.
 * Throws `request_invalid` with every mistake in `facts.issues`: path, expected, found.
 */
export const parsePolicy = (file: string, text: string): PricePolicy => {
  const value = readYaml(file, text)
  if (isFlat(text, value)) return flatPolicy(parsePrices(file, text))
  const parsed = policyFileSchema.safeParse(value)
  if (parsed.success) return compilePolicy(parsed.data)
  const issues = explainIssues(parsed.error, value, policyFileSchema)
  throw new MusterError({
    code: 'request_invalid',
    message: sayIssues(`The price file ${file}`, issues),
    facts: { file, issues },
  })
}

/** Throws `request_invalid` where the file cannot be read. */
export const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw new MusterError({
      code: 'request_invalid',
      message: `The price file ${file} cannot be read.`,
      facts: { file },
      cause,
    })
  })
