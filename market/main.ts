import { parseArgs } from 'node:util'
import { flagOf, sayOptions, sayWrongCall, systemWorld, variableOf } from '@muster/protocol'
import {
  compileMarketOptions,
  marketOptionNames,
  marketOptions,
  marketVariables,
  type WrittenMarketOptions,
} from './options.ts'
import { runDatabase } from './run-database.ts'
import { runRestore } from './run-restore.ts'
import { runMarket } from './run-market.ts'

const usage = `muster market: one node of a market (docs/guides/run-a-market.md)

  muster market database                a Postgres for several nodes on this machine
  muster market restore FILE            write a backup into an empty data directory
  muster market status, drain, undrain, backup, key, log, deny, allow, denials, tenants, erase
                                        look after a node that runs: each says more with --help

Each option is a flag or, where there is none, a variable of the environment. Flags can be read by every user of the machine.

${sayOptions(marketOptions, marketVariables)}`

const [verb, ...rest] = process.argv.slice(2)
if (verb === 'database') process.exit(await runDatabase(rest))
if (verb === 'restore') process.exit(await runRestore(rest))

const readWritten = (): WrittenMarketOptions | undefined => {
  const options: Record<string, { type: 'string' | 'boolean' }> = { help: { type: 'boolean' } }
  for (const name of marketOptionNames) options[flagOf(name)] = { type: 'string' }
  const values: Readonly<Record<string, unknown>> = parseArgs({ options }).values
  if (values['help'] === true) return undefined
  const written: Record<string, unknown> = {}
  for (const name of marketOptionNames) {
    const value = values[flagOf(name)] ?? process.env[variableOf(marketVariables, name)]
    if (value !== undefined) written[name] = value
  }
  written['natsUrl'] ??= process.env['MUSTER_NATS_URL']
  return written as WrittenMarketOptions
}

const fail = (text: string): never => {
  process.stderr.write(text)
  process.exit(2)
}

const compile = () => {
  let written: WrittenMarketOptions | undefined
  try {
    written = readWritten()
    if (written === undefined) {
      process.stdout.write(usage)
      process.exit(0)
    }
    return compileMarketOptions(written)
  } catch (error) {
    return fail(sayWrongCall(error, { program: 'muster market', flags: marketOptionNames.map(flagOf), written }))
  }
}

const market = await runMarket(compile(), (line) => process.stdout.write(`${line}\n`)).catch((error: unknown) =>
  fail(`✗ The market did not start: ${error instanceof Error ? error.message : String(error)}\n`),
)

/** One signal may arrive twice: from whoever sent it to the group, and passed on by a parent. */
const sameSignalMs = 1_000
let stoppingSince: number | undefined
const stop = (): void => {
  const now = systemWorld.elapsed()
  if (stoppingSince === undefined) {
    stoppingSince = now
    void market.close().then(() => process.exit(0))
  } else if (now - stoppingSince > sameSignalMs) process.exit(130)
}
// A market that was started by another program ends with it.
if (process.connected) process.on('disconnect', stop)
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
