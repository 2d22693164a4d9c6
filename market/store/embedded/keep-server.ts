import { MusterError, sleep, type Log, type World } from '@muster/protocol'
import { stayAwake } from '../stay-awake.ts'
import type { RunningServer } from './run-server.ts'

export interface KeptServer {
  /** Why the server is down and does not start again, where that is so. */
  trouble(): MusterError | undefined
  stop(): Promise<void>
}

const firstDelayMs = 50
const longestDelayMs = 5_000

/** Starts a server and starts it again whenever it dies, until it is stopped. Throws what the first start throws. */
export const keepServer = async (
  start: () => Promise<RunningServer>,
  { world, log }: { readonly world: World; readonly log: Log },
): Promise<KeptServer> => {
  let server = await start()
  let trouble: MusterError | undefined
  const stopping = new AbortController()
  const { signal } = stopping

  const restart = async (): Promise<void> => {
    for (let delayMs = firstDelayMs; !signal.aborted; delayMs = Math.min(2 * delayMs, longestDelayMs)) {
      try {
        server = await start()
        trouble = undefined
        if (signal.aborted) await server.stop()
        return
      } catch (error) {
        trouble = error instanceof MusterError ? error : undefined
        log.error('the embedded Postgres does not start', { error, retryMs: delayMs })
        await sleep(world, delayMs, signal).catch(() => {})
      }
    }
  }
  const keep = async (): Promise<void> => {
    await server.gone
    while (!signal.aborted) {
      log.error('the embedded Postgres died; starting it again')
      await restart()
      await server.gone
    }
  }
  const kept = keep()
  return {
    trouble: () => trouble,
    stop: async () => {
      const rest = stayAwake()
      stopping.abort()
      await server.stop()
      await kept
      rest()
    },
  }
}
