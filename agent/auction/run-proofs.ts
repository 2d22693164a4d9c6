import { MusterError, sayWrongCall, toJson, variableOf } from '@muster/protocol'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { agentVariables } from '../written-options.ts'
import { proofDirectoryOf, readProofs, type ShownProof } from './proof-files.ts'

const usage = `muster agent proofs: auctions that a market did not run by its rule, as this agent found them

  --data-directory DIR   of the agent. Default: MUSTER_AGENT_DATA_DIRECTORY, or .muster/agent.
  --json                 one JSON document on standard output

Each is a file that anyone can check: muster auction verify FILE
Exit status: 0 there are none, 1 there are some, 2 wrong options.
`

export const proofsExitCodes = { none: 0, some: 1, usage: 2 } as const

export interface RunProofsModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

const options = {
  'data-directory': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const render = (proofs: readonly ShownProof[]): string =>
  proofs.length === 0
    ? 'No market was found to break the rule of an auction.\n'
    : proofs.map(({ auction, breach, message, file }) => `${auction}  ${breach}\n  ${message}\n  ${file}\n`).join('')

/** `muster agent proofs` */
export const runProofs = async (argv: readonly string[], modules: RunProofsModules): Promise<number> => {
  const { writeOut, writeError, env } = modules
  const refuse = (error: unknown): number => {
    writeError(sayWrongCall(error, { program: 'muster agent proofs', flags: Object.keys(options) }))
    return proofsExitCodes.usage
  }
  let values: { 'data-directory'?: string; json: boolean; help: boolean }
  try {
    values = parseArgs({ args: [...argv], options }).values
  } catch (error) {
    return refuse(error)
  }
  if (values.help) {
    writeOut(usage)
    return proofsExitCodes.none
  }
  const directory = values['data-directory'] ?? env[variableOf(agentVariables, 'dataDirectory')] ?? '.muster/agent'
  if (!existsSync(directory)) {
    const message = 'No agent has run in this data directory yet.'
    return refuse(new MusterError({ code: 'request_invalid', message, facts: { directory } }))
  }
  const proofs = await readProofs(proofDirectoryOf(directory))
  writeOut(values.json ? `${toJson(proofs, 2)}\n` : render(proofs))
  return proofs.length === 0 ? proofsExitCodes.none : proofsExitCodes.some
}
