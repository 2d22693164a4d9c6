import type { World } from '@muster/protocol'

/** Runs actions in the order they were asked for, each after a delay: a disk with one writer. */
export type CommitQueue = <Result>(action: () => Promise<Result>) => Promise<Result>

export const createCommitQueue = (world: World, delayMs: () => number): CommitQueue => {
  let lastAt = 0
  return (action) => {
    const delay = delayMs()
    if (delay === 0 && lastAt <= world.elapsed()) return action()
    lastAt = Math.max(lastAt, world.elapsed() + delay)
    return new Promise((resolve, reject) => {
      world.after(lastAt - world.elapsed(), () => void action().then(resolve, reject))
    })
  }
}
