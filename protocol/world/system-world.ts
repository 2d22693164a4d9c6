import type { World } from './world.ts'

const detach = (timer: unknown): void => {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}

/** The real clock and the platform's random source: the only place that touches them. */
export const systemWorld: World = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: (byteCount) => crypto.getRandomValues(new Uint8Array(byteCount)),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    detach(timer)
    return { cancel: () => clearTimeout(timer) }
  },
}
