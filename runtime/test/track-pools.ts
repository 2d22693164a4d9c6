import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import { createRuntimePool, type RuntimeEvent, type RuntimePool } from '../pool/create-runtime-pool.ts'
import type { RuntimePoolOptions } from '../pool/pool-options.ts'

export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Waits for a condition; the test's own time limit bounds it. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(10)
}

/** Opens pools for the tests of one file, closes them after each, and sees to it that no process of theirs is left. */
export const trackPools = () => {
  const pools: RuntimePool[] = []
  let events: RuntimeEvent[] = []
  const started = (): number[] => events.flatMap((event) => (event.event === 'process_started' ? [event.pid] : []))
  const stopped = (): string[] => events.flatMap((event) => (event.event === 'process_stopped' ? [event.reason] : []))
  const open = (options: Partial<RuntimePoolOptions> = {}): RuntimePool => {
    const pool = createRuntimePool(
      { processes: 1, memoryBytes: 2 ** 29, taskTimeoutMs: 30_000, ...options },
      { log: (event) => events.push(event) },
    )
    pools.push(pool)
    return pool
  }
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()))
    for (const pid of started()) expect(isRunning(pid)).toBe(false)
    events = []
  })
  return { open, started, stopped }
}
