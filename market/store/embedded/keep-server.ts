import { sleep, type Log, type World } from '@muster/protocol'
import type { RunningServer } from './run-server.ts'

const firstDelayMs = 50
const longestDelayMs = 5_000

/** Starts a server and starts it again whenever it dies, until it is stopped. Throws what the first start throws. */
export const keepServer = async (
  start: () => Promise<RunningServer>,
  { world, log }: { readonly world: World; readonly log: Log },
): Promise<{ stop(): Promise<void> }> => {
  let server = await start()
  let stopping = false
  const restart = async (): Promise<void> => {
    for (let delayMs = firstDelayMs; !stopping; delayMs = Math.min(2 * delayMs, longestDelayMs)) {
      try {
        server = await start()
        if (stopping) await server.stop()
        return
      } catch (error) {
        log.error('the embedded Postgres does not start', { error, retryMs: delayMs })
        await sleep(world, delayMs)
      }
    }
  }
  const keep = async (): Promise<void> => {
    await server.gone
    while (!stopping) {
      log.error('the embedded Postgres died; starting it again')
      await restart()
      await server.gone
    }
  }
  const kept = keep()
  return {
    stop: async () => {
      stopping = true
      await server.stop()
      await kept
    },
  }
}
