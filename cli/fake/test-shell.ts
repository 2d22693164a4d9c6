import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runCli } from '../run-cli.ts'
import type { TextStream } from '../terminal/terminal.ts'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
  /** Standard output as the one JSON document it must be. */
  json(): unknown
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly isTty?: boolean
  readonly hasColor?: boolean
  readonly signal?: AbortSignal
}

/** A folder of its own in which commands run, nobody watching unless told so. `close` removes it. */
export const openTestShell = async (env: Readonly<Record<string, string>> = {}) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-cli-'))
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ran> => {
    const written = { out: '', err: '' }
    const stream = (to: 'out' | 'err'): TextStream => ({
      write: (text) => void (written[to] += text),
      isTty: options.isTty ?? false,
      columns: options.isTty === true ? 100 : Number.POSITIVE_INFINITY,
      rows: 40,
    })
    let time = 0
    const status = await runCli(args, {
      terminal: {
        stdout: stream('out'),
        stderr: stream('err'),
        hasColor: options.hasColor ?? false,
        elapsed: () => (time += 100),
      },
      env: { MUSTER_HOME: path.join(directory, 'home'), ...env, ...options.env },
      directory,
      signal: options.signal ?? new AbortController().signal,
      now: Date.now,
    })
    return { status, ...written, json: () => JSON.parse(written.out) as unknown }
  }
  return { directory, run, close: () => rm(directory, { recursive: true, force: true }) }
}

export type TestShell = Awaited<ReturnType<typeof openTestShell>>
