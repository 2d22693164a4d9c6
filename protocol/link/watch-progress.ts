import type { World } from '../world/world.ts'

export interface ProgressWatch {
  stop(): void
}

export interface ProgressWatchOptions {
  readonly intervalMs: number
  /** Intervals in a row without progress that are too many. */
  readonly maxIdleIntervals: number
  /** A counter that moves with progress, such as the bytes read from a socket. */
  count(): number
  /** Called at each interval, to provoke progress where there may be none to make. */
  probe?(): void
  onStalled(): void
}

/**
 * Calls `onStalled` once `count` has stood still too long. Intervals are counted, not time, so that a program
 * that was itself stopped for a while gives the other side another chance.
 */
export const watchProgress = (world: World, options: ProgressWatchOptions): ProgressWatch => {
  let last = options.count()
  let idleIntervals = 0
  const tick = (): void => {
    const count = options.count()
    idleIntervals = count === last ? idleIntervals + 1 : 0
    last = count
    if (idleIntervals >= options.maxIdleIntervals) return options.onStalled()
    timer = world.after(options.intervalMs, tick)
    options.probe?.()
  }
  let timer = world.after(options.intervalMs, tick)
  return { stop: () => timer.cancel() }
}
