import type { World } from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface StoreReading {
  readonly pendingCommits: number
  readonly commitsPerSecond: number
  readonly lagMs: number
}

export interface StoreMeter {
  /** The store, each commit counted. */
  readonly store: Store
  read(): StoreReading
}

const seconds = 10

interface Bucket {
  second: number
  commits: number
  slowestMs: number
}

/** Counts commits by the second, over the last ten whole ones. Adds nothing to the way of a commit but two readings of the clock. */
export const createStoreMeter = (store: Store, world: World): StoreMeter => {
  const buckets: Bucket[] = Array.from({ length: seconds + 1 }, () => ({ second: -1, commits: 0, slowestMs: 0 }))
  const pending = new Set<{ readonly startedAt: number }>()
  const secondOf = (at: number): number => Math.floor(at / 1_000)

  const count = (startedAt: number): void => {
    const at = world.elapsed()
    const second = secondOf(at)
    const bucket = buckets[second % buckets.length]
    if (bucket === undefined) return
    if (bucket.second !== second) Object.assign(bucket, { second, commits: 0, slowestMs: 0 })
    bucket.commits++
    bucket.slowestMs = Math.max(bucket.slowestMs, at - startedAt)
  }

  return {
    store: {
      ...store,
      commit: (commit) => {
        const mark = { startedAt: world.elapsed() }
        pending.add(mark)
        const committed = store.commit(commit)
        committed.then(
          () => {
            pending.delete(mark)
            count(mark.startedAt)
          },
          () => pending.delete(mark),
        )
        return committed
      },
    },
    read: () => {
      const now = world.elapsed()
      const current = secondOf(now)
      const whole = buckets.filter(({ second }) => second >= current - seconds && second < current)
      const recent = buckets.filter(({ second }) => second >= current - seconds)
      const waiting = [...pending].map(({ startedAt }) => now - startedAt)
      return {
        pendingCommits: pending.size,
        commitsPerSecond: whole.reduce((sum, { commits }) => sum + commits, 0) / seconds,
        lagMs: Math.max(0, ...recent.map(({ slowestMs }) => slowestMs), ...waiting),
      }
    },
  }
}
