#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'
import { findBinary, spawnBinary } from './spawn/spawn-binary.ts'
import { systemTerminal } from './terminal/terminal.ts'

const { env } = process
const npmDirectory = env['npm_lifecycle_event'] === 'muster' ? env['INIT_CWD'] : undefined
const directory = npmDirectory ?? process.cwd()
const terminal = systemTerminal(process)
const args = process.argv.slice(2)

const runCommand = (): Promise<number> => {
  const controller = new AbortController()
  let interruptedAt: number | undefined
  // npm and run.mjs pass the signal on beside the terminal: a second one counts only after a moment.
  process.on('SIGINT', () => {
    interruptedAt ??= performance.now()
    if (performance.now() - interruptedAt > 500) process.exit(130)
    controller.abort()
  })
  process.on('SIGTERM', () => process.exit(143))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return runCli(args, { terminal, env, directory, signal: controller.signal, now: Date.now })
}

const binary = findBinary(args)
process.exitCode = binary === undefined ? await runCommand() : await spawnBinary(binary, { terminal, env, directory })
