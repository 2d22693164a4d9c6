import type { World } from '@muster/protocol'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** Virtual time 0 in wall-clock milliseconds. */
export const epochMs = 1_767_225_600_000

/** The world of one run of one process: it ends with the process. */
export interface ProcessWorld {
  readonly world: World
  isAlive(): boolean
  /** Sets the wall clock this far off. */
  setSkew(skewMs: number): void
  /** Nothing the process had planned happens any more. */
  kill(): void
}

/** A world on the timeline whose wall clock is `firstSkewMs` off and which draws from `random`. */
export const createProcessWorld = (timeline: Timeline, random: Random, firstSkewMs = 0): ProcessWorld => {
  let isAlive = true
  let skewMs = firstSkewMs
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
    setSkew: (ms) => {
      skewMs = ms
    },
    kill: () => {
      isAlive = false
    },
  }
}
