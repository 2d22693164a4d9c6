import type { Timer, World } from '@muster/protocol'

/** A world whose pending calls end with the program that made them. */
export interface Lifetime {
  readonly world: World
  isOver(): boolean
  /** Cancels every pending call; later ones are never made. */
  end(): void
}

export const createLifetime = (world: World): Lifetime => {
  const pending = new Set<Timer>()
  let isOver = false
  return {
    world: {
      now: () => world.now(),
      elapsed: () => world.elapsed(),
      random: (byteCount) => world.random(byteCount),
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
