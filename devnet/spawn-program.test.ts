import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { spawnProgram } from './spawn-program.ts'

const stage = async (code: string) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-spawn-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const script = path.join(directory, 'program.ts')
  await writeFile(script, code)
  return {
    name: 'program',
    script,
    args: ['one'],
    logFile: path.join(directory, 'program.log'),
    readyTimeoutMs: 20_000,
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('a program is up when it says ready, keeps its log, and stops when told', async () => {
  const input = await stage(`
    console.log(JSON.stringify({ msg: 'starting', args: process.argv.slice(2) }))
    console.log(JSON.stringify({ msg: 'ready', url: 'http://here' }))
    process.on('SIGTERM', () => process.exit(0))
  `)
  const program = await spawnProgram(input)
  expect(program.ready).toEqual({ msg: 'ready', url: 'http://here' })
  await program.stop(10_000)
  expect(isRunning(program.pid)).toBe(false)
  expect(await readFile(input.logFile, 'utf8')).toContain('"args":["one"]')
})

test('a program that ends before it is ready is reported with what it said last', async () => {
  const input = await stage(`
    console.error('the port is taken')
    process.exit(3)
  `)
  await expect(spawnProgram(input)).rejects.toThrow(/ended with exit code 3 before it was ready[^]*the port is taken/)
})

test('a program that does not stop is killed', async () => {
  const input = await stage(`
    console.log(JSON.stringify({ msg: 'ready' }))
    process.on('SIGTERM', () => {})
    setInterval(() => {}, 1000)
  `)
  const program = await spawnProgram(input)
  await program.stop(50)
  expect(isRunning(program.pid)).toBe(false)
})

test('a program that ends when its channel closes ends with its parent, even if that one is killed', async () => {
  const input = await stage(`
    console.log(JSON.stringify({ msg: 'ready' }))
    process.on('disconnect', () => process.exit(0))
  `)
  const parent = await stage(`
    import { spawnProgram } from ${JSON.stringify(path.join(import.meta.dirname, 'spawn-program.ts'))}
    const program = await spawnProgram(${JSON.stringify(input)})
    console.log(program.pid)
    setInterval(() => {}, 1000)
  `)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', parent.script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const pid = await new Promise<number>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))),
  )
  expect(isRunning(pid)).toBe(true)
  child.kill('SIGKILL')
  await until(() => !isRunning(pid))
})
