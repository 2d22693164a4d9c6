import type { Timer, World } from '@muster/protocol'

/** A world whose pending calls end with the program that made them. */
export interface Lifetime {
  readonly world: World
  isOver(): boolean
  /** Cancels every pending call; later ones are never made. */
  end(): void
}

const pooledBytes = 4_096

/** Chance in small pieces from few calls, since each call costs the same whatever its size. */
const poolRandom = (world: World): World['random'] => {
  let pool = new Uint8Array(0)
  return (byteCount) => {
    if (byteCount > pooledBytes) return world.random(byteCount)
    if (pool.length < byteCount) pool = Uint8Array.from(world.random(pooledBytes))
    const drawn = pool.slice(0, byteCount)
    pool = pool.subarray(byteCount)
    return drawn
  }
}

export const createLifetime = (world: World): Lifetime => {
  const pending = new Set<Timer>()
  let isOver = false
  return {
    world: {
      now: () => world.now(),
      elapsed: () => world.elapsed(),
      random: poolRandom(world),
      after: (delayMs, action) => {
        if (isOver) return { cancel: () => {} }
        const inner = world.after(delayMs, () => {
          pending.delete(timer)
          action()
        })
        const timer: Timer = {
          cancel: () => {
            pending.delete(timer)
            inner.cancel()
          },
        }
        pending.add(timer)
        return timer
      },
    },
    isOver: () => isOver,
    end: () => {
      isOver = true
      for (const timer of pending) timer.cancel()
    },
  }
}
