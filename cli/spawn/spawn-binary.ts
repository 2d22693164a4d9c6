import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { MusterError } from '@muster/sdk'
import type { Shell } from '../command/session.ts'
import { renderError } from '../error/render-error.ts'
import { exitCodes } from '../exit/exit-codes.ts'

const root = path.join(import.meta.dirname, '..', '..')

/** The programs that have a binary of their own; their arguments are theirs. */
const scripts = {
  up: 'devnet/up.ts',
  market: 'market/main.ts',
  agent: 'agent/main.ts',
} as const

export interface Binary {
  readonly script: string
  readonly args: readonly string[]
}

/** The commands that these programs know, and what they do; of the others this program has those it has, and names the nearest. */
export const verbsOfBinaries = {
  market: {
    database: 'a Postgres for several nodes on this machine',
    restore: 'write a backup into an empty data directory',
  },
  agent: {
    price: 'what your prices make of an order',
    check: 'what this machine does, and whether it reproduces',
    earnings: 'what each market paid, and what is missing',
    market: 'add, remove or list markets',
    proofs: 'auctions that a market did not run by its rule',
    maintenance: 'when this machine is not to be had',
  },
} as const

const isForBinary = (name: string, verb = '-'): boolean =>
  verb.startsWith('-') || name === 'up' || Object.hasOwn(verbsOfBinaries[name as keyof typeof verbsOfBinaries], verb)

/** The binary that the first argument names, if it names one. */
export const findBinary = ([name = '', ...args]: readonly string[]): Binary | undefined => {
  if (!Object.hasOwn(scripts, name) || !isForBinary(name, args[0])) return undefined
  return { script: path.join(root, scripts[name as keyof typeof scripts]), args }
}

/** Runs a program as a child in the foreground; gives its exit status, 128 and the signal's number where one ended it. */
export const spawnBinary = (
  { script, args }: Binary,
  { terminal, env, directory }: Pick<Shell, 'terminal' | 'env' | 'directory'>,
): Promise<number> => {
  if (!existsSync(script)) {
    const error = new MusterError({
      code: 'not_found',
      message: 'This program is not part of this installation.',
      facts: { file: script },
    })
    terminal.stderr.write(renderError(error, terminal, false))
    return Promise.resolve(exitCodes.usage)
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: 'inherit',
    cwd: directory,
    env: { ...env },
  })
  // A terminal sends Ctrl-C to the whole group, the child included; anything else sends it here alone.
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, pass)
      resolve(signal === null ? (code ?? exitCodes.fault) : 128 + constants.signals[signal])
    })
  })
}
