import { digestBytes, type World } from '@muster/protocol'
import { setImmediate } from 'node:timers/promises'

export interface VirtualWorld extends World {
  /** Lets this much time pass: timers fire in order, and everything they set off has settled before the next one. */
  pass(ms: number): Promise<void>
  /** Lets everything under way settle without any time passing. */
  settle(): Promise<void>
  /** Sets the clock of the machine ahead, without any time passing. */
  setClockAhead(ms: number): void
}

interface Pending {
  readonly at: number
  readonly order: number
  readonly action: () => void
}

/** Time that passes only when told to, and chance from a seed. */
export const createVirtualWorld = (seed: number): VirtualWorld => {
  const startedAt = 1_800_000_000_000
  const timers = new Set<Pending>()
  let elapsed = 0
  let aheadMs = 0
  let order = 0
  let draws = 0

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await setImmediate()
  }

  const nextBefore = (end: number): Pending | undefined => {
    let first: Pending | undefined
    for (const timer of timers) {
      if (timer.at > end) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    }
    return first
  }

  return {
    now: () => startedAt + aheadMs + Math.floor(elapsed),
    elapsed: () => elapsed,
    random: (byteCount) => {
      const bytes = new Uint8Array(byteCount)
      for (let at = 0; at < byteCount; at += 32) {
        const block = digestBytes(new TextEncoder().encode(`${seed}:${draws++}`))
        bytes.set(block.subarray(0, Math.min(32, byteCount - at)), at)
      }
      return bytes
    },
    after: (delayMs, action) => {
      const timer = { at: elapsed + Math.max(0, delayMs), order: order++, action }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    settle,
    setClockAhead: (ms) => {
      aheadMs += ms
    },
    pass: async (ms) => {
      const end = elapsed + ms
      await settle()
      for (let timer = nextBefore(end); timer !== undefined; timer = nextBefore(end)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.at)
        timer.action()
        await settle()
      }
      elapsed = end
    },
  }
}
