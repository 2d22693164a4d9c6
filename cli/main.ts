#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'
import { systemTerminal } from './terminal/terminal.ts'

const controller = new AbortController()
let interruptedAt: number | undefined
// npm and run.mjs pass the signal on beside the terminal: a second one counts only after a moment.
process.on('SIGINT', () => {
  interruptedAt ??= performance.now()
  if (performance.now() - interruptedAt > 500) process.exit(130)
  controller.abort()
})
process.on('SIGTERM', () => process.exit(143))

const ignoreClosedPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
process.stdout.on('error', ignoreClosedPipe)

const { env } = process
const npmDirectory = env['npm_lifecycle_event'] === 'muster' ? env['INIT_CWD'] : undefined

process.exitCode = await runCli(process.argv.slice(2), {
  terminal: systemTerminal(process),
  env,
  directory: npmDirectory ?? process.cwd(),
  signal: controller.signal,
  now: Date.now,
})
