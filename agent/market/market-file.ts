import { addressSchema, explainIssues, marketUrlSchema, MusterError, sayIssues, type Address } from '@muster/protocol'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'

const marketFileSchema = z.strictObject({
  /** Markets to sell to beside those of the options; the address is that of the key which the market is held to. */
  markets: z.array(z.strictObject({ url: marketUrlSchema, address: addressSchema })).max(64),
  /** Markets to leave, those of the options too. `isForgotten`: at once, and what they owe is given up. */
  left: z.array(z.strictObject({ url: marketUrlSchema, isForgotten: z.boolean() })).max(64),
})

/** What `muster agent market` writes and the running agent follows. */
export type MarketFile = z.output<typeof marketFileSchema>

/** Where to find a market, and the address it must have where that is known. */
export interface MarketTarget {
  readonly url: string
  readonly address: Address | null
}

export const noMarkets: MarketFile = { markets: [], left: [] }

export const marketFileOf = (dataDirectory: string): string => path.join(dataDirectory, 'markets.json')

const refuse = (file: string, message: string, facts: object, cause?: unknown): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { file, ...facts }, cause })

/** Throws `request_invalid` with every mistake. */
export const parseMarketFile = (file: string, text: string): MarketFile => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refuse(file, 'The file of markets is not JSON; remove it and add your markets again.', {}, cause)
  }
  const parsed = marketFileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = explainIssues(parsed.error, value, marketFileSchema)
  throw refuse(file, sayIssues('The file of markets', issues), { issues }, parsed.error)
}

/** What the file says; nothing where there is none. Throws `request_invalid`. */
export const readMarketFile = async (file: string): Promise<MarketFile> => {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return noMarkets
    throw error
  }
  return parseMarketFile(file, text)
}

/** Replaces a file at once and whole, readable by its owner only. */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, text, { mode: 0o600 })
  await chmod(fresh, 0o600)
  await rename(fresh, file)
}

export const writeMarketFile = (file: string, markets: MarketFile): Promise<void> =>
  replaceFile(file, `${JSON.stringify(markets, undefined, 2)}\n`)

const bare = (url: string): string => url.replace(/\/+$/, '')

/** The markets to sell to: those of the options and of the file, each URL once, without those that were left. */
export const targetMarkets = (given: readonly MarketTarget[], { markets, left }: MarketFile): MarketTarget[] => {
  const isLeft = new Set(left.map(({ url }) => url))
  const targets = new Map<string, MarketTarget>()
  for (const { url, address } of [...markets, ...given]) {
    const key = bare(url)
    if (!isLeft.has(key) && (targets.get(key)?.address ?? null) === null) targets.set(key, { url: key, address })
  }
  return [...targets.values()]
}

/** Those of the options that are not sold to, since they were removed before. */
export const removedMarkets = (given: readonly MarketTarget[], { left }: MarketFile): string[] =>
  given.map(({ url }) => bare(url)).filter((url) => left.some((market) => market.url === url))
