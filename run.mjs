#!/usr/bin/env node
// Installs what the checkout needs, then runs a script or an installed tool on the pinned Node,
// whatever Node the machine has: `node run.mjs devnet/start.ts --once`, `node run.mjs vitest run`.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'

const root = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)
const modules = path.join(root, 'node_modules')
const node = path.join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

const isInstalled = () => {
  const installed = path.join(modules, '.package-lock.json')
  if (!existsSync(installed) || !existsSync(node)) return false
  return statSync(installed).mtimeMs >= statSync(path.join(root, 'package-lock.json')).mtimeMs
}

if (!isInstalled()) {
  process.stderr.write('Installing dependencies (once; about 700 MB on disk) …\n')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const done = spawnSync(npm, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (done.status !== 0) {
    process.stderr.write(`npm ${args.join(' ')} failed (exit ${done.status}); the lines above say why.\n`)
    process.exit(1)
  }
  if (!existsSync(node)) {
    process.stderr.write(
      'npm installed no Node: it must run the scripts of packages (npm config get ignore-scripts).\n',
    )
    process.exit(1)
  }
}

const [command, ...rest] = process.argv.slice(2)
if (command === undefined) {
  process.stderr.write('usage: node run.mjs <script.ts | tool> [argument ...]\n')
  process.exit(2)
}

const toolScript = (name) => {
  const manifest = JSON.parse(readFileSync(path.join(modules, name, 'package.json'), 'utf8'))
  const bin = typeof manifest.bin === 'string' ? manifest.bin : (manifest.bin[name] ?? Object.values(manifest.bin)[0])
  return path.join(modules, name, bin)
}
const script = command.endsWith('.ts')
  ? path.join(root, command)
  : toolScript(command === 'tsc' ? 'typescript' : command)

const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...rest], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` },
})
// Ctrl-C reaches the child by itself, from the terminal.
process.on('SIGINT', () => process.stdin.isTTY === true || child.kill('SIGINT'))
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// npm passes a signal on to its shell only, which ends without a word to us: being orphaned is how we learn of it.
const parent = process.ppid
if (process.env.npm_lifecycle_event !== undefined) {
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, 500).unref()
}
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
