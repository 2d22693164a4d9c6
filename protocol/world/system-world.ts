import type { World } from './world.ts'

const detach = (timer: unknown): void => {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}

const poolBytes = 4096
let pool = new Uint8Array(0)
let poolAt = 0

/** Asking the platform costs more than the bytes do. None is handed out twice. */
const random = (byteCount: number): Uint8Array => {
  if (byteCount > poolBytes / 4) return crypto.getRandomValues(new Uint8Array(byteCount))
  if (poolAt + byteCount > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(poolBytes))
    poolAt = 0
  }
  poolAt += byteCount
  const bytes = pool.slice(poolAt - byteCount, poolAt)
  pool.fill(0, poolAt - byteCount, poolAt)
  return bytes
}

/** The real clock and the platform's random source: the only place that touches them. */
export const systemWorld: World = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random,
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    detach(timer)
    return { cancel: () => clearTimeout(timer) }
  },
}
