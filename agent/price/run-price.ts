import { addressSchema, idSchema, MusterError, nameSchema, toJson, toProblem } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { defaultPrices } from '../offer/read-prices.ts'
import { policySchemaText } from './policy-file.ts'
import { flatPolicy, type PricePolicy } from './price-policy.ts'
import { quote, type Enquiry } from './quote.ts'
import { parsePolicy, readText } from './read-policy.ts'
import { readOrder } from './read-order.ts'
import { quoteDocument, renderMistakes, renderQuote } from './render-quote.ts'

const usage = `muster agent price ORDER: what your prices make of an order, step by step, without any network

ORDER is a job file, a job's spec or an order, in YAML or JSON.

  --policy FILE          your prices (--example shows one). Default: what an agent without a price file asks.
  --at TIME              such as 2026-11-20T22:15:00Z or …+01:00. Default: now.
  --utilisation SHARE    of slots that are leased, such as 0.5 or 50%. Default: 0.
  --market ADDRESS       the market that asks. Default: the order's, or one without a name.
  --tenant ID            whose order it is. Default: the order's, or nobody's.
  --tenant-region NAME   where the tenant is, if you know.
  --gpu MODEL            the model of the slot's GPUs; again for each that it may be. Default: what the order asks for.
  --json                 one JSON document on standard output
  --example              prints a price file with everything in it
  --schema               prints the JSON Schema of a price file

Exit status: 0 a price, 4 your prices turn the order away, 2 wrong options, order or price file.
`

export const priceExitCodes = { priced: 0, usage: 2, refused: 4 } as const

export interface RunPriceModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly now: () => number
}

const options = {
  policy: { type: 'string' },
  at: { type: 'string' },
  utilisation: { type: 'string', default: '0' },
  market: { type: 'string' },
  tenant: { type: 'string' },
  'tenant-region': { type: 'string' },
  gpu: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
  example: { type: 'boolean', default: false },
  schema: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const refuse = (option: string, expected: string, found: string): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `--${option}: expected ${expected}, found ${found}.`,
    facts: { option, expected, found },
  })

const instant = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)$/

const parseTime = (text: string): number => {
  const at = instant.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  if (Number.isFinite(at)) return at
  throw refuse('at', 'a time with its zone, such as 2026-11-20T22:15:00Z', text)
}

const parseShare = (text: string): number => {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? []
  const share = number === undefined ? Number.NaN : Number(number) / (percent === '%' ? 100 : 1)
  if (share >= 0 && share <= 1) return share
  throw refuse('utilisation', 'a share from 0 to 1, such as 0.5 or 50%', text)
}

/** An option held against a schema; `undefined` where it is not given. */
const parseOption = <Value>(
  option: string,
  schema: { safeParse(text: string): { success: true; data: Value } | { success: false } },
  text: string | undefined,
  expected: string,
): Value | undefined => {
  if (text === undefined) return undefined
  const parsed = schema.safeParse(text)
  if (parsed.success) return parsed.data
  throw refuse(option, expected, text)
}

const parseFlags = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new MusterError({ code: 'request_invalid', message, cause })
  }
}

const readPolicy = async (file: string | undefined): Promise<PricePolicy> =>
  file === undefined ? flatPolicy(defaultPrices) : parsePolicy(file, await readText(file))

const answer = async (args: readonly string[], { writeOut, writeError, now }: RunPriceModules): Promise<number> => {
  const { values, positionals } = parseFlags(args)
  if (values.help || values.example || values.schema) {
    writeOut(values.help ? usage : values.schema ? policySchemaText() : await readFile(exampleFile, 'utf8'))
    return priceExitCodes.priced
  }
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    writeError(usage)
    return priceExitCodes.usage
  }
  const policy = await readPolicy(values.policy)
  const found = readOrder(file, await readText(file))
  const asked = (values.market ?? '').toLowerCase()
  const enquiry: Enquiry = {
    order: {
      ...found.order,
      tenant: parseOption('tenant', idSchema('tenant'), values.tenant, 'tnt_…') ?? found.order.tenant,
      tenantRegion: parseOption('tenant-region', nameSchema, values['tenant-region'], 'the name of a region') ?? null,
      gpuModels: values.gpu ?? found.order.gpuModels,
    },
    slots: found.slots,
    utilisation: parseShare(values.utilisation),
    market:
      parseOption('market', addressSchema, asked === '' ? undefined : asked, 'an address of 0x and 40 digits') ??
      found.market,
    at: values.at === undefined ? now() : parseTime(values.at),
  }
  const made = quote(policy, enquiry)
  writeOut(values.json ? `${toJson(quoteDocument(enquiry, made), 2)}\n` : renderQuote(policy, enquiry, made))
  return made.price === null ? priceExitCodes.refused : priceExitCodes.priced
}

const exampleFile = path.join(import.meta.dirname, 'example-prices.yaml')

/** `muster agent price`: writes the quote and how it came about, and gives the exit status. Contacts nobody. */
export const runPrice = async (args: readonly string[], modules: RunPriceModules): Promise<number> => {
  try {
    return await answer(args, modules)
  } catch (error) {
    if (!(error instanceof MusterError)) throw error
    if (args.includes('--json')) modules.writeOut(`${toJson({ error: toProblem(error) })}\n`)
    else modules.writeError(renderMistakes(error))
    return priceExitCodes.usage
  }
}
