import { MusterError } from '../error/muster-error.ts'
import type { World } from './world.ts'

/** Waits `delayMs` of the world's time; an aborted `signal` rejects with `cancelled`. */
export const sleep = (world: World, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const refuse = () => reject(new MusterError({ code: 'cancelled', message: 'The wait was cancelled.' }))
    if (signal?.aborted === true) return refuse()
    const onAbort = () => {
      timer.cancel()
      refuse()
    }
    const timer = world.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
