import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { MusterError, sayWrongCall, toJson, toProblem, type World } from '@muster/protocol'
import { createRuntimePool, readExecSpec } from '@muster/runtime'
import type { Bench } from './bench.ts'
import { openBench, type BenchOptions } from './open-bench.ts'
import { localWork, checkMachine } from './check-machine.ts'
import { renderCheck } from './render-check.ts'

const usage = `muster agent check: whether this machine reproduces its runtime's pinned outputs, and how fast it is, without any network

  --data-directory DIR   where the disk is tried: that of the agent. Default: .muster/agent
  --nvidia-smi COMMAND   what to ask for GPUs. Default: nvidia-smi
  --json                 one JSON document on standard output

It takes some seconds and 400 MiB of memory. The network is measured by each market when the agent is linked to it.

Exit status: 0 it computes what others do, 1 it does not, 2 wrong options or it could not be tried.
`

export const checkExitCodes = { reproduced: 0, differs: 1, failed: 2 } as const

export interface RunCheckModules {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  readonly world: World
  /** Opens what measures; left out, this machine's own. */
  readonly open?: (options: BenchOptions) => Promise<{ readonly bench: Bench; close(): Promise<void> }>
}

const openOwn = async (options: BenchOptions, world: World) => {
  await readExecSpec()
  await mkdir(options.directory, { recursive: true, mode: 0o700 })
  const pool = createRuntimePool({ processes: 1, memoryBytes: 2 ** 30, taskTimeoutMs: 60_000 })
  return { bench: openBench(options, { pool, world }), close: pool.close }
}

const options = {
  'data-directory': { type: 'string', default: '.muster/agent' },
  'nvidia-smi': { type: 'string', default: 'nvidia-smi' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const readFlags = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new MusterError({ code: 'request_invalid', message, cause })
  }
}

const answer = async (args: readonly string[], { writeOut, world, open }: RunCheckModules): Promise<number> => {
  const flags = readFlags(args)
  if (flags.help) {
    writeOut(usage)
    return checkExitCodes.reproduced
  }
  const where = { directory: path.resolve(flags['data-directory']), nvidiaSmi: flags['nvidia-smi'] }
  const { bench, close } = await (open === undefined ? openOwn(where, world) : open(where))
  try {
    const check = await checkMachine(bench, localWork, world, new AbortController().signal)
    writeOut(flags.json ? `${toJson(check, 2)}\n` : renderCheck(check))
    return check.mismatches.length === 0 && check.isRight ? checkExitCodes.reproduced : checkExitCodes.differs
  } finally {
    await close()
  }
}

/** `muster agent check`: writes what the machine does, and gives the exit status. Contacts nobody. */
export const runCheck = async (args: readonly string[], modules: RunCheckModules): Promise<number> => {
  try {
    return await answer(args, modules)
  } catch (error) {
    if (!(error instanceof MusterError)) throw error
    if (args.includes('--json')) modules.writeOut(`${toJson({ error: toProblem(error) })}\n`)
    else modules.writeError(sayWrongCall(error, { program: 'muster agent check', flags: Object.keys(options) }))
    return checkExitCodes.failed
  }
}
