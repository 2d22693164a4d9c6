import { cancelledError } from './deadline.ts'

/** Waits; unlike a timer of `World` it keeps a program alive. An aborted signal rejects with `cancelled`. */
export const pause = (delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const refuse = () => {
      clearTimeout(timer)
      reject(cancelledError())
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', refuse)
      resolve()
    }, delayMs)
    if (signal?.aborted === true) return refuse()
    signal?.addEventListener('abort', refuse, { once: true })
  })
