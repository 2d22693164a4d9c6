// `npm start [-- --once] [--input FILE_OR_FOLDER] [--out FOLDER] [--port PORT]`: a network on this machine, and real work on it.
import { parseArgs } from 'node:util'
import { styleFor, systemTerminal } from '@muster/cli'
import { createMuster } from '@muster/sdk'
import { killBusyAgent, type KilledAgent } from './kill-agent.ts'
import { graceMs, runDevnet } from './run-devnet.ts'
import { runExample } from './run-example.ts'
import { showNetwork, showUrls } from './show-network.ts'
import type { Devnet } from './start-devnet.ts'

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    input: { type: 'string' },
    out: { type: 'string', default: 'out' },
    port: { type: 'string' },
  },
})

const usualPort = 7600
/** Fewer tasks than this are over before a loss could be seen. */
const leastTasksToKill = 8

const terminal = systemTerminal(process)
const style = styleFor(terminal)
const say = (text: string): void => terminal.stdout.write(`${text}\n`)
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const showLoss = ({ agent, attempts, job }: KilledAgent): void => {
  const held = `${attempts} running ${attempts === 1 ? 'attempt' : 'attempts'} of ${job}`
  say(
    `\n${style.yellow('On purpose:')} ${agent.plan.name} (pid ${agent.program.pid}) was killed with SIGKILL while it held ${held}.\n` +
      `The market waited ${graceMs / 1000} s for it, fenced its attempts and gave the tasks to others; the job went on.`,
  )
}

/** Runs the example, and kills one agent in the middle of it. */
const workOn = async (devnet: Devnet): Promise<number> => {
  const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
  const over = new AbortController()
  const killing = killBusyAgent(muster, devnet, leastTasksToKill, over.signal).catch((error: unknown) => {
    say(style.red(`No agent could be killed: ${messageOf(error)}`))
    return undefined
  })
  const args = ['--out', values.out, ...(values.input === undefined ? [] : ['--input', values.input])]
  const exitCode = await runExample(devnet, args)
  over.abort()
  const killed = await killing
  if (killed !== undefined) showLoss(killed)
  if (killed !== undefined || values.input !== undefined || exitCode !== 0) return exitCode
  say(style.red('No agent held a running attempt when it was to be killed: the run shows nothing about losses.'))
  return 1
}

const port = Number(values.port ?? (values.once ? 0 : usualPort))
process.exitCode = await runDevnet({ terminal, isOnce: values.once, port }, async (devnet) => {
  say(showNetwork(devnet, style))
  const exitCode = await workOn(devnet)
  if (values.once) return exitCode
  say(showUrls(devnet, style))
  return new Promise<number>(() => {})
}).catch((error: unknown) => {
  terminal.stderr.write(`${messageOf(error)}\n`)
  return 1
})
