import { flagOf, MusterError, sayOptions, sayWrongCall, systemWorld, variableOf } from '@muster/protocol'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { runProofs } from './auction/run-proofs.ts'
import { runCheck } from './benchmark/run-check.ts'
import { runEarnings } from './earning/run-earnings.ts'
import { printable } from './log/printable.ts'
import { textLine } from './log/text-lines.ts'
import { runMaintenance } from './maintenance/run-maintenance.ts'
import { runMarket } from './market/run-market.ts'
import { runPrice } from './price/run-price.ts'
import { runAgent } from './run-agent.ts'
import {
  agentOptionNames,
  agentOptionShape,
  agentVariables,
  completeAgentOptions,
  type DefaultedAgentOptions,
  type WrittenAgentOptions,
} from './written-options.ts'

const configOption = z.string().optional().meta({
  description: 'A JSON file that holds options, such as {"marketUrl": "http://127.0.0.1:7600", "maxSlots": 2}.',
})

const usage = `muster agent: sells this machine's time (docs/guides/provide-a-machine.md)

  muster agent price ORDER            what your prices make of an order (muster agent price --help)
  muster agent check                  what this machine does, and whether it reproduces
  muster agent earnings               what each market paid, and what is missing
  muster agent market VERB            add, remove or list markets (muster agent market --help)
  muster agent proofs                 auctions that a market did not run by its rule
  muster agent maintenance            when this machine is not to be had

Each option is a flag, a variable of the environment, or a member of the file that --config names;
where more than one says something, the first counts.

${sayOptions({ config: configOption, ...agentOptionShape }, agentVariables)}`

const fail = (text: string, exitCode: number): never => {
  process.stderr.write(printable(text))
  process.exit(exitCode)
}

const readFileOptions = (file: string): Record<string, unknown> => {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  throw new Error(`${file} does not hold a JSON object`)
}

const booleans: readonly string[] = ['idleOnly', 'noBenchmarks', 'help']

/** Flags before the environment before the file. */
const readWritten = (): WrittenAgentOptions => {
  const options = Object.fromEntries(
    ['config', ...agentOptionNames, 'help'].map((name) => [
      flagOf(name),
      { type: booleans.includes(name) ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { values } = parseArgs({ options })
  const flags: Readonly<Record<string, unknown>> = values
  if (flags['help'] === true) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const file = flags['config'] ?? process.env[variableOf(agentVariables, 'config')]
  const written = typeof file === 'string' ? readFileOptions(file) : {}
  for (const name of agentOptionNames) {
    const value = flags[flagOf(name)] ?? process.env[variableOf(agentVariables, name)]
    if (value !== undefined) written[name] = value
  }
  return written as WrittenAgentOptions
}

const complete = (): DefaultedAgentOptions => {
  let read: WrittenAgentOptions | undefined
  try {
    read = readWritten()
    return completeAgentOptions(read)
  } catch (error) {
    const flags = ['config', ...agentOptionNames].map(flagOf)
    return fail(sayWrongCall(error, { program: 'muster agent', flags, written: read }), 2)
  }
}

if (process.argv[2] === 'check') {
  const keepAlive = setInterval(() => {}, 60_000)
  const status = await runCheck(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    world: systemWorld,
  })
  clearInterval(keepAlive)
  process.exit(status)
}

if (process.argv[2] === 'price') {
  const status = await runPrice(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    now: systemWorld.now,
  })
  process.exit(status)
}

if (process.argv[2] === 'earnings') {
  const status = await runEarnings(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    env: process.env,
    now: systemWorld.now,
  })
  process.exit(status)
}

if (process.argv[2] === 'market') {
  const status = await runMarket(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    env: process.env,
    now: systemWorld.now,
  })
  process.exit(status)
}

if (process.argv[2] === 'maintenance') {
  const status = await runMaintenance(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    env: process.env,
    now: systemWorld.now,
  })
  process.exit(status)
}

if (process.argv[2] === 'proofs') {
  const status = await runProofs(process.argv.slice(3), {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    env: process.env,
  })
  process.exit(status)
}

const written = complete()
const isText = written.logFormat === null ? process.stdout.isTTY : written.logFormat === 'text'
const writeLine = (line: string): void => void process.stdout.write(`${isText ? textLine(line) : line}\n`)
const waiting = new AbortController()

let onSignal = (): void => {
  waiting.abort()
  process.exit(0)
}
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => onSignal())

const sayError = (error: unknown): string => (error instanceof MusterError ? error.message : String(error))

// Timers of the world do not keep a program alive, and an agent that waits for its market has nothing else.
const alive = setInterval(() => {}, 60_000)
const running = await runAgent(written, { writeLine, signal: waiting.signal }).catch((error: unknown) =>
  fail(`✗ The agent did not start: ${sayError(error)}\n`, 1),
)
const { agent } = running

/** One signal may arrive twice: from whoever sent it to the group, and passed on by a parent. */
const sameSignalMs = 1_000
let drainingSince: number | undefined
onSignal = () => {
  const now = systemWorld.elapsed()
  if (drainingSince === undefined) {
    drainingSince = now
    void agent.drain()
  } else if (now - drainingSince > sameSignalMs) void agent.stop()
}

// An agent that was started by another program ends with it.
if (process.connected) process.on('disconnect', () => onSignal())

await running.start().catch((error: unknown) => fail(`✗ The agent did not start: ${sayError(error)}\n`, 1))
const reason = await agent.stopped
clearInterval(alive)
await running.close()
if (reason !== null) fail(`✗ ${reason.message}\n`, 1)
process.exit(0)
