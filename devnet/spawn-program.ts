import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface Program {
  readonly name: string
  readonly pid: number
  /** The fields of its line "ready". */
  readonly ready: Readonly<Record<string, unknown>>
  readonly logFile: string
  readonly exited: Promise<void>
  /** SIGTERM, and SIGKILL after `patienceMs`. Resolves when it is gone. */
  stop(patienceMs: number): Promise<void>
  /** SIGKILL: no goodbye, as when a machine loses its power. */
  kill(): void
}

export interface SpawnProgramInput {
  readonly name: string
  /** The TypeScript file to run. */
  readonly script: string
  readonly args: readonly string[]
  readonly logFile: string
  readonly readyTimeoutMs: number
}

const parseLine = (line: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const passedOn = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_COMPILE_CACHE'] as const

const environment = (): Record<string, string> => {
  const kept: Record<string, string> = {}
  for (const name of passedOn) {
    const value = process.env[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}

const waitForReady = (child: ChildProcess, input: SpawnProgramInput): Promise<Readonly<Record<string, unknown>>> => {
  const log = createWriteStream(input.logFile, { flags: 'a', mode: 0o600 })
  const last: string[] = []
  const keep = (line: string) => {
    log.write(`${line}\n`)
    last.push(line)
    if (last.length > 5) last.shift()
  }
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`${input.name} ${why}; its log is ${input.logFile} and ends:\n${last.join('\n')}`))
    const timer = setTimeout(() => fail(`was not ready after ${input.readyTimeoutMs} ms`), input.readyTimeoutMs)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        keep(line)
        const fields = parseLine(line)
        if (fields['msg'] !== 'ready') return
        clearTimeout(timer)
        resolve(fields)
      })
    }
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended with ${signal ?? `exit code ${code}`} before it was ready`)
    })
  })
}

/**
 * Runs one of Muster's programs as a process of its own, its log in a file, and resolves once it says it is ready.
 * It ends with this process, whichever way this one ends: the programs stop when their parent's channel closes.
 */
export const spawnProgram = async (input: SpawnProgramInput): Promise<Program> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', input.script, ...input.args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environment(),
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const ready = await waitForReady(child, input)
    return {
      name: input.name,
      pid: child.pid ?? 0,
      ready,
      logFile: input.logFile,
      exited,
      stop: async (patienceMs) => {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
        await exited
        clearTimeout(timer)
      },
      kill: () => void child.kill('SIGKILL'),
    }
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    throw error
  }
}
