import {
  createSigner,
  loadSecp256k1,
  MusterError,
  systemWorld,
  sayWrongCall,
  toJson,
  toProblem,
  variableOf,
} from '@muster/protocol'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadKey } from '../key/load-key.ts'
import { readStatusFile, statusFileOf } from '../market/status-file.ts'
import { agentVariables } from '../written-options.ts'
import { claimCountsFileOf, readClaimCounts } from './open-claim-counts.ts'
import { fetchStatement } from './fetch-statement.ts'
import { holdAgainst } from './hold-against.ts'
import { renderEarnings, type EarningsDocument, type MarketEarnings } from './render-earnings.ts'

const usage = `muster agent earnings: what each market paid this machine, held against what it claimed there

  --data-directory DIR   of the agent. Default: MUSTER_AGENT_DATA_DIRECTORY, or .muster/agent.
  --from DAY             such as 2026-11-01, or a time such as 2026-11-01T12:00:00Z. Default: 7 days ago.
  --to DAY               Default: now.
  --late-minutes N       how long after a job's last claim its receipts may take. Default: 30.
  --ca-file FILE         certificate authorities (PEM) to trust beside the machine's.
  --json                 one JSON document on standard output

Exit status: 0 every claim has its receipt, 1 some do not, or a statement does not add up, 2 wrong options,
3 a market cannot be asked.
`

export const earningsExitCodes = { paid: 0, missing: 1, usage: 2, unreachable: 3 } as const

export interface RunEarningsModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

const options = {
  'data-directory': { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  'late-minutes': { type: 'string', default: '30' },
  'ca-file': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const refuse = (message: string, facts: object): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { ...facts } })

const parseDay = (option: string, text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(at) && at >= 0) return at
  throw refuse(`--${option}: expected a day such as 2026-11-01, or a time such as 2026-11-01T12:00:00Z.`, {
    found: text,
  })
}

const parseMinutes = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text) * 60_000
  throw refuse('--late-minutes: expected a whole number of minutes.', { found: text })
}

const weekMs = 7 * 86_400_000

const look = async (
  values: ReturnType<typeof parse>['values'],
  modules: RunEarningsModules,
): Promise<EarningsDocument> => {
  const now = modules.now()
  const period = { from: parseDay('from', values.from, Math.max(0, now - weekMs)), to: parseDay('to', values.to, now) }
  const lateMs = parseMinutes(values['late-minutes'])
  const directory = path.resolve(
    values['data-directory'] ?? modules.env[variableOf(agentVariables, 'dataDirectory')] ?? '.muster/agent',
  )
  const status = await readStatusFile(statusFileOf(directory))
  if (status === undefined || !existsSync(path.join(directory, 'agent.key')))
    throw refuse('No agent has run in this data directory yet.', { directory })
  const ca = values['ca-file'] === undefined ? [] : [await readFile(values['ca-file'], 'utf8')]
  const signer = createSigner(await loadSecp256k1(), await loadKey(directory, systemWorld))
  const counts = readClaimCounts(claimCountsFileOf(directory))
  const markets = await Promise.all(
    status.markets.map(async ({ url, address, unsettled }): Promise<MarketEarnings> => {
      const asked = { url, address, unsettled }
      if (address === null) return { ...asked, earnings: null, problem: 'Nobody knows yet which market this is.' }
      try {
        const statement = await fetchStatement({ url, address, ca }, signer, { ...period, chainId: status.chainId })
        return { ...asked, earnings: holdAgainst(statement, counts, { lateMs, now }), problem: null }
      } catch (error) {
        return { ...asked, earnings: null, problem: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  const known = new Set(status.markets.map(({ address }) => address))
  const unasked = counts.filter(({ market, lastAt }) => !known.has(market) && lastAt >= period.from)
  return { provider: signer.address, ...period, lateMs, markets, unasked }
}

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options })

const statusOf = ({ markets }: EarningsDocument): number => {
  const isWrong = ({ earnings }: MarketEarnings) =>
    earnings !== null && (earnings.missing.length > 0 || earnings.faults.length > 0)
  if (markets.some(isWrong)) return earningsExitCodes.missing
  return markets.some(({ problem }) => problem !== null) ? earningsExitCodes.unreachable : earningsExitCodes.paid
}

/** `muster agent earnings`. Gives the exit status. */
export const runEarnings = async (args: readonly string[], modules: RunEarningsModules): Promise<number> => {
  try {
    const { values } = parse(args)
    if (values.help) {
      modules.writeOut(usage)
      return earningsExitCodes.paid
    }
    const document = await look(values, modules)
    modules.writeOut(values.json ? `${toJson(document)}\n` : renderEarnings(document))
    return statusOf(document)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (args.includes('--json'))
      modules.writeOut(`${toJson({ error: error instanceof MusterError ? toProblem(error) : { message } })}\n`)
    else modules.writeError(sayWrongCall(error, { program: 'muster agent earnings', flags: Object.keys(options) }))
    return earningsExitCodes.usage
  }
}
