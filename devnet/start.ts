import { styleFor, systemTerminal } from '@muster/cli'
import { createMuster } from '@muster/sdk'
import { readInput } from '@muster/example-ocr'
import { killBusyAgent, type KilledAgent } from './kill-agent.ts'
import { parsePort } from './parse-port.ts'
import { readFlags } from './read-flags.ts'
import { graceMs, runDevnet } from './run-devnet.ts'
import { runExample } from './run-example.ts'
import { showNetwork, showUrls } from './show-network.ts'
import type { Devnet } from './start-devnet.ts'

const usage = `npm start [-- FLAGS]

Brings up a market and four agents on this machine, reads scanned pages with them, and stays up until Ctrl-C.

  --once          stop when the pages are read; status 0 only if the result is right
  --input PATH    a PNG or JPEG image, or a folder of them, in place of the pages that come along
  --out FOLDER    where text and receipts go; ./out unless told
  --port PORT     the market's port; 7600 unless told, a free one with --once`

const usualPort = '7600'

const values = readFlags(
  usage,
  {
    once: { type: 'boolean', default: false },
    input: { type: 'string' },
    out: { type: 'string', default: 'out' },
    port: { type: 'string' },
  },
  ({ once, input, out, port }) => ({ once, input, out, port: parsePort(port ?? (once ? '0' : usualPort)) }),
)

/** Fewer tasks than this are over before a loss could be seen. */
const leastTasksToKill = 8

const terminal = systemTerminal(process)
const style = styleFor(terminal)
const say = (text: string): void => terminal.stdout.write(`${text}\n`)
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const showLoss = ({ agent, attempts, job }: KilledAgent): void => {
  const held = `${attempts} running ${attempts === 1 ? 'attempt' : 'attempts'} of ${job}, queued ones counted`
  say(
    `\n${style.yellow('On purpose:')} ${agent.plan.name} (pid ${agent.program.pid}) was killed with SIGKILL while it held ${held}.\n` +
      `The market waited ${graceMs / 1000} s for it, fenced its attempts and gave the tasks to others; the job went on.`,
  )
}

/** Runs the example, and kills one agent in the middle of it. */
const workOn = async (devnet: Devnet, interrupt: AbortSignal): Promise<number> => {
  const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
  const over = new AbortController()
  const killing = killBusyAgent(muster, devnet, leastTasksToKill, over.signal).catch((error: unknown) => {
    if (!interrupt.aborted) say(style.red(`No agent could be killed: ${messageOf(error)}`))
    return undefined
  })
  const args = ['--out', values.out, ...(values.input === undefined ? [] : ['--input', values.input])]
  const exitCode = await runExample(devnet, args, interrupt)
  over.abort()
  const killed = await killing
  if (interrupt.aborted) return exitCode
  if (killed !== undefined) showLoss(killed)
  if (killed !== undefined || values.input !== undefined || exitCode !== 0) return exitCode
  say(style.red('No agent held a running attempt when it was to be killed: the run shows nothing about losses.'))
  return 1
}

/** What cannot be read is said before anything is started. */
const checkInput = async (): Promise<void> => {
  if (values.input !== undefined) await readInput(values.input)
}

const work = async (devnet: Devnet, interrupt: AbortSignal): Promise<number> => {
  say(showNetwork(devnet, style))
  const exitCode = await workOn(devnet, interrupt)
  if (values.once || interrupt.aborted) return exitCode
  say(showUrls(devnet, style))
  return new Promise<number>(() => {})
}

process.exitCode = await checkInput()
  .then(() => runDevnet({ terminal, isOnce: values.once, port: values.port }, work))
  .catch((error: unknown) => {
    terminal.stderr.write(`${messageOf(error)}\n`)
    return 1
  })
