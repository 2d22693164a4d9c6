import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { createProgress, writeContext, type Terminal } from '@muster/cli'
import { parseUsd } from '@muster/protocol'
import { fourAgents } from './agent-plan.ts'
import { holdDirectory } from './hold-directory.ts'
import { startDevnet, type Devnet } from './start-devnet.ts'

export interface RunDevnetOptions {
  readonly terminal: Terminal
  /** A network for one run, in a directory of its own that goes with it unless the run fails; else the checkout's lasting one. */
  readonly isOnce: boolean
  /** 0 takes a free one. */
  readonly port: number
}

const home = path.join(import.meta.dirname, '..', '.muster')

/** How long the market of a devnet waits for an agent it cannot reach. */
export const graceMs = 3_000

const bringUp = async (directory: string, { terminal, port }: RunDevnetOptions): Promise<Devnet> => {
  const progress = createProgress(terminal)
  const bar = progress.bar('Bringing a network up')
  try {
    return await startDevnet({
      directory,
      agents: fourAgents,
      port,
      graceMs,
      tenantBalance: parseUsd('25'),
      onStep: (label) => bar.update({ label }),
    })
  } finally {
    bar.remove()
    progress.stop()
  }
}

/** Removes the directory of a network that is over; its logs stay where they are needed. */
const clear = async (directory: string, keepsLogs: boolean): Promise<void> => {
  if (!keepsLogs) return rm(directory, { recursive: true, force: true })
  const names = (await readdir(directory)).filter((name) => name !== 'logs')
  await Promise.all(names.map((name) => rm(path.join(directory, name), { recursive: true, force: true })))
}

/** Brings a network up, works on it, and takes it down again, however the work ends. Resolves to the work's exit code. */
export const runDevnet = async (
  options: RunDevnetOptions,
  work: (devnet: Devnet, signal: AbortSignal) => Promise<number>,
): Promise<number> => {
  const { isOnce, terminal } = options
  await mkdir(home, { recursive: true, mode: 0o700 })
  const directory = isOnce ? await mkdtemp(path.join(home, 'once-')) : path.join(home, 'devnet')
  const release = await holdDirectory(directory)
  const devnet = await bringUp(directory, options).catch(async (error: unknown) => {
    await release()
    throw error
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      await devnet.close()
      await release()
    })())
  const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const interrupt = new AbortController()
  const stopped = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        interrupt.abort()
        resolve(exitCodes[signal])
      })
    }
  })
  let exitCode = 1
  try {
    const { url, apiKey, adminKey, market, chainId } = devnet
    if (!isOnce) await writeContext(home, { url, apiKey, adminKey, market, chainId })
    const gone = devnet.marketGone.then(() => {
      terminal.stderr.write('The market has ended without being told to; the network is taken down.\n')
      interrupt.abort()
      return 1
    })
    exitCode = await Promise.race([work(devnet, interrupt.signal), stopped, gone])
    return exitCode
  } finally {
    await stop()
    if (isOnce) await clear(directory, exitCode === 1)
    if (exitCode === 1) terminal.stderr.write(`The logs are in ${path.join(directory, 'logs')}.\n`)
  }
}
