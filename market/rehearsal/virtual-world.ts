import { setImmediate as nextTurn } from 'node:timers/promises'
import type { World } from '@muster/protocol'

/** A world whose time moves only when a test says so. */
export interface VirtualWorld extends World {
  /** Lets every promise that can settle now do so. */
  settle(): Promise<void>
  /** Runs what is due within so many milliseconds, in order. */
  advance(ms: number): Promise<void>
  /** Moves time on from timer to timer until `isDone`; throws after `limitMs`. */
  until(isDone: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>
  /** Calls that are planned. */
  pending(): number
}

interface Planned {
  readonly at: number
  readonly order: number
  readonly action: () => void
}

const startMs = 1_790_000_000_000

export const createVirtualWorld = (seed = 1): VirtualWorld => {
  let elapsed = 0
  let order = 0
  let state = seed
  const planned = new Set<Planned>()

  const byte = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await nextTurn()
  }

  const next = (): Planned | undefined => {
    let first: Planned | undefined
    for (const each of planned) {
      if (first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order)) first = each
    }
    return first
  }

  const runNext = async (until: number): Promise<boolean> => {
    const due = next()
    if (due === undefined || due.at > until) return false
    planned.delete(due)
    elapsed = Math.max(elapsed, due.at)
    due.action()
    await settle()
    return true
  }

  return {
    now: () => startMs + Math.floor(elapsed),
    elapsed: () => elapsed,
    random: (byteCount) => Uint8Array.from({ length: byteCount }, byte),
    after: (delayMs, action) => {
      const each: Planned = { at: elapsed + Math.max(0, delayMs), order: order++, action }
      planned.add(each)
      return { cancel: () => void planned.delete(each) }
    },
    settle,
    advance: async (ms) => {
      const end = elapsed + ms
      await settle()
      while (await runNext(end));
      elapsed = end
      await settle()
    },
    until: async (isDone, limitMs = 600_000) => {
      const end = elapsed + limitMs
      await settle()
      while (!(await isDone())) {
        if (!(await runNext(end))) throw new Error(`not done after ${limitMs} ms of virtual time`)
      }
    },
    pending: () => planned.size,
  }
}
