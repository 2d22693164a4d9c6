import type { World } from '@muster/protocol'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** Virtual time 0 in wall-clock milliseconds. */
export const epochMs = 1_767_225_600_000

/** The world of one run of one process: it ends with the process. */
export interface ProcessWorld {
  readonly world: World
  isAlive(): boolean
  /** Nothing the process had planned happens any more. */
  kill(): void
}

/** A world on the timeline whose wall clock is `skewMs` off and which draws from `random`. */
export const createProcessWorld = (timeline: Timeline, random: Random, skewMs = 0): ProcessWorld => {
  let isAlive = true
  return {
    world: {
      now: () => Math.floor(epochMs + timeline.now() + skewMs),
      elapsed: timeline.now,
      random: random.bytes,
      after: (delayMs, action) =>
        timeline.after(delayMs, () => {
          if (isAlive) action()
        }),
    },
    isAlive: () => isAlive,
    kill: () => {
      isAlive = false
    },
  }
}
