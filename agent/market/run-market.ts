import {
  addressSchema,
  marketUrlSchema,
  MusterError,
  sayWrongCall,
  toJson,
  toProblem,
  variableOf,
  type Address,
} from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { agentVariables } from '../written-options.ts'
import { askMarket } from './ask-market.ts'
import { marketFileOf, readMarketFile, writeMarketFile, type MarketFile } from './market-file.ts'
import { marketsDocument, renderMarkets } from './render-markets.ts'
import { readStatusFile, statusFileOf } from './status-file.ts'

const usage = `muster agent market: the markets this machine sells to; a running agent follows within two seconds

  muster agent market add URL      sells to one more. Its address is asked for and kept: nobody can stand in for it later.
  muster agent market remove URL   sells to it no more: leases go back with notice, what runs may finish, claims are settled.
  muster agent market list         how the agent stands with each

  --data-directory DIR   of the agent. Default: MUSTER_AGENT_DATA_DIRECTORY, or .muster/agent.
  --address ADDRESS      add: the market's address, from a source you trust; it need not be in reach then.
  --ca-file FILE         add: certificate authorities (PEM) to trust beside the machine's.
  --forget               remove: at once. What runs is stopped, and claims it has not settled are given up.
  --json                 one JSON document on standard output

Exit status: 0 done, 2 wrong options, 3 the market cannot be reached.
`

export const marketExitCodes = { done: 0, usage: 2, unreachable: 3 } as const

export interface RunMarketModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  readonly ask?: typeof askMarket
}

const options = {
  'data-directory': { type: 'string' },
  address: { type: 'string' },
  'ca-file': { type: 'string' },
  forget: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const refuse = (message: string, facts: object): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { ...facts } })

const parseUrl = (text: string | undefined): string => {
  const parsed = marketUrlSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw refuse('Name the market by its URL, such as https://market.example.', { found: text ?? 'nothing' })
}

const parseAddress = (text: string): Address => {
  const parsed = addressSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw refuse('--address: expected 0x and 40 hexadecimal digits in lower case.', { found: text })
}

const withMarket = (file: MarketFile, url: string, address: Address): MarketFile => ({
  markets: [...file.markets.filter((market) => market.url !== url), { url, address }],
  left: file.left.filter((market) => market.url !== url),
})

const withoutMarket = (file: MarketFile, url: string, isForgotten: boolean): MarketFile => ({
  markets: file.markets.filter((market) => market.url !== url),
  left: [...file.left.filter((market) => market.url !== url), { url, isForgotten }].slice(-64),
})

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values']

const add = async (directory: string, url: string, values: Values, modules: RunMarketModules): Promise<string> => {
  const file = marketFileOf(directory)
  const before = await readMarketFile(file)
  const ca = values['ca-file'] === undefined ? [] : [await readFile(values['ca-file'], 'utf8')]
  const ask = modules.ask ?? askMarket
  const address = values.address === undefined ? (await ask(url, ca, 5_000)).address : parseAddress(values.address)
  await writeMarketFile(file, withMarket(before, url, address))
  const others = before.markets.filter((market) => market.address === address && market.url !== url)
  return values.json
    ? `${toJson({ url, address })}\n`
    : others.length > 0
      ? `${url} is another way to ${others.map((market) => market.url).join(', ')}: one market, with the address ${address}, which is offered each slot once.\n`
      : `Sells to ${url} from now on, held to the address ${address}.\nIt can win there once the market holds your stake: send its operator your provider's address.\n`
}

const remove = async (directory: string, url: string, { json, forget }: Values): Promise<string> => {
  const file = marketFileOf(directory)
  await writeMarketFile(file, withoutMarket(await readMarketFile(file), url, forget))
  if (json) return `${toJson({ url, isForgotten: forget })}\n`
  return forget
    ? `Sells to ${url} no more; what it owes is given up.\n`
    : `Sells to ${url} no more. What runs may finish; the agent's log says when it has left.\n`
}

const list = async (directory: string, json: boolean, now: number): Promise<string> => {
  const document = marketsDocument(
    await readMarketFile(marketFileOf(directory)),
    await readStatusFile(statusFileOf(directory)),
    now,
  )
  return json ? `${toJson(document)}\n` : renderMarkets(document, now)
}

const run = async (args: readonly string[], modules: RunMarketModules): Promise<string> => {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  if (values.help) return usage
  const [verb, url, ...more] = positionals
  if (more.length > 0) throw refuse('One market at a time.', { found: positionals })
  const written = values['data-directory'] ?? modules.env[variableOf(agentVariables, 'dataDirectory')]
  const directory = path.resolve(written ?? '.muster/agent')
  if (verb === 'add') return add(directory, parseUrl(url), values, modules)
  if (verb === 'remove') return remove(directory, parseUrl(url), values)
  if (verb === 'list' && url === undefined) return list(directory, values.json, modules.now())
  throw refuse('Say what to do: muster agent market add URL, remove URL, or list.', { found: verb ?? 'nothing' })
}

/** `muster agent market`. Gives the exit status. */
export const runMarket = async (args: readonly string[], modules: RunMarketModules): Promise<number> => {
  try {
    modules.writeOut(await run(args, modules))
    return marketExitCodes.done
  } catch (error) {
    const problem = error instanceof MusterError ? toProblem(error) : undefined
    const message = error instanceof Error ? error.message : String(error)
    if (args.includes('--json')) modules.writeOut(`${toJson({ error: problem ?? { message } })}\n`)
    else modules.writeError(sayWrongCall(error, { program: 'muster agent market', flags: Object.keys(options) }))
    return problem?.code === 'unavailable' ? marketExitCodes.unreachable : marketExitCodes.usage
  }
}
