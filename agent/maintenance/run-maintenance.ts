import { MusterError, sayWrongCall, toJson, toProblem, variableOf, type Maintenance } from '@muster/protocol'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { agentVariables } from '../written-options.ts'
import { maintenanceFileOf, mostWindows, readMaintenance, writeMaintenance } from './maintenance-file.ts'
import { windowOf } from './parse-window.ts'

const usage = `muster agent maintenance: when this machine is not to be had; a running agent follows within two seconds

  muster agent maintenance --from TIME --for 2h   announces maintenance; offers say so, and leases that would
                                                  run into it are not made, or get their notice in time
  muster agent maintenance list                   what is announced
  muster agent maintenance cancel NUMBER|all      calls it off; a notice that was given stands

  --from TIME            now, a time from now such as +30m, or one with its zone such as 2026-11-21T02:00Z
  --for TIME             how long, such as 90m or 2h
  --data-directory DIR   of the agent. Default: MUSTER_AGENT_DATA_DIRECTORY, or .muster/agent.
  --json                 one JSON document on standard output

A reserved lease is not taken back: the agent's log names those that run into the maintenance.
Maintenance that always holds goes into the agent's options: --maintenance 2026-11-21T02:00Z/2h.
Exit status: 0 done, 2 wrong options.
`

export const maintenanceExitCodes = { done: 0, usage: 2 } as const

export interface RunMaintenanceModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

const options = {
  from: { type: 'string' },
  for: { type: 'string' },
  'data-directory': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const refuse = (message: string, facts: object): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { ...facts } })

const sayTime = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`

const sayLength = (ms: number): string => {
  const minutes = Math.round(ms / 60_000)
  if (minutes === 0) return `${Math.round(ms / 1_000)}s`
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  return `${hours === 0 ? '' : `${hours}h`}${rest === 0 ? '' : `${rest}m`}`
}

const sayWindow = ({ from, until }: Maintenance): string =>
  `from ${sayTime(from)} to ${sayTime(until)} (${sayLength(until - from)})`

const byStart = (a: Maintenance, b: Maintenance): number => a.from - b.from || a.until - b.until

const renderList = (windows: readonly Maintenance[], now: number): string => {
  if (windows.length === 0)
    return 'No maintenance is announced. Announce some with: muster agent maintenance --from 2026-11-21T02:00Z --for 2h\n'
  const line = (window: Maintenance, at: number): string =>
    `${String(at + 1).padStart(3)}  ${sayWindow(window)}${window.from <= now ? ', now' : ''}\n`
  return windows.map(line).join('')
}

/** What was asked, as it is said: a document for `--json`, a sentence without. */
interface Answer {
  readonly windows: readonly Maintenance[]
  readonly said: string
}

const announce = (known: readonly Maintenance[], window: Maintenance): Answer => {
  const windows = [...known, window].toSorted(byStart)
  if (windows.length > mostWindows)
    throw refuse(`No more than ${mostWindows} windows can be announced; call some off.`, { found: windows.length })
  return { windows, said: `Maintenance ${sayWindow(window)} is announced.\n` }
}

const cancel = (known: readonly Maintenance[], which: string | undefined): Answer => {
  if (which === 'all') return { windows: [], said: `${known.length} called off.\n` }
  const called = known[Number(which) - 1]
  if (called === undefined)
    throw refuse('Say which: a number of the list, or all.', {
      expected: `1 to ${known.length}`,
      found: which ?? 'nothing',
    })
  return {
    windows: known.filter((window) => window !== called),
    said: `Maintenance ${sayWindow(called)} is called off.\n`,
  }
}

const run = async (args: readonly string[], { env, now }: RunMaintenanceModules): Promise<string> => {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  if (values.help) return usage
  const [verb, which, ...more] = positionals
  const directory = path.resolve(
    values['data-directory'] ?? env[variableOf(agentVariables, 'dataDirectory')] ?? '.muster/agent',
  )
  const file = maintenanceFileOf(directory)
  const at = now()
  const known = (await readMaintenance(file)).filter(({ until }) => until > at).toSorted(byStart)
  const answer = (windows: readonly Maintenance[], said: string): string =>
    values.json ? `${toJson({ maintenance: windows }, 2)}\n` : said
  if (more.length > 0) throw refuse('One at a time.', { found: positionals })
  if (verb === 'list' && which === undefined) return answer(known, renderList(known, at))
  if (verb !== undefined && verb !== 'cancel')
    throw refuse('Say what to do: --from TIME --for TIME, list, or cancel NUMBER.', { found: verb })
  if (verb === undefined && (values.from === undefined || values.for === undefined))
    throw refuse('Say when and how long: muster agent maintenance --from TIME --for 2h.', { found: args })
  const { windows, said } =
    verb === 'cancel' ? cancel(known, which) : announce(known, windowOf(values.from ?? '', values.for ?? '', at))
  await writeMaintenance(file, windows)
  return answer(windows, said)
}

/** `muster agent maintenance`. Gives the exit status. */
export const runMaintenance = async (args: readonly string[], modules: RunMaintenanceModules): Promise<number> => {
  try {
    modules.writeOut(await run(args, modules))
    return maintenanceExitCodes.done
  } catch (error) {
    const problem = error instanceof MusterError ? toProblem(error) : undefined
    const message = error instanceof Error ? error.message : String(error)
    if (args.includes('--json')) modules.writeOut(`${toJson({ error: problem ?? { message } })}\n`)
    else modules.writeError(sayWrongCall(error, { program: 'muster agent maintenance', flags: Object.keys(options) }))
    return maintenanceExitCodes.usage
  }
}
