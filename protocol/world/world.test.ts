import { describe, expect, test } from 'vitest'
import { sleep } from './sleep.ts'
import { systemWorld } from './system-world.ts'
import type { World } from './world.ts'

const createPausedWorld = () => {
  const timers = new Map<number, () => void>()
  let made = 0
  const world: World = {
    ...systemWorld,
    after: (_, action) => {
      const number = made++
      timers.set(number, action)
      return { cancel: () => void timers.delete(number) }
    },
  }
  const fire = () => {
    const due = [...timers.values()]
    timers.clear()
    for (const action of due) action()
  }
  return { world, timers, fire }
}

describe('sleep', () => {
  test('waits for the world', async () => {
    const { world, fire } = createPausedWorld()
    const waited = sleep(world, 1000)
    fire()
    await expect(waited).resolves.toBeUndefined()
  })

  test('ends with cancelled when aborted, and leaves no timer', async () => {
    const { world, timers } = createPausedWorld()
    const abort = new AbortController()
    const waited = sleep(world, 1000, abort.signal)
    abort.abort()
    await expect(waited).rejects.toMatchObject({ code: 'cancelled' })
    expect(timers.size).toBe(0)
  })

  test('does not begin where it is aborted already', async () => {
    const { world, timers } = createPausedWorld()
    await expect(sleep(world, 1000, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    expect(timers.size).toBe(0)
  })
})

describe('the system world', () => {
  test('gives chance, a clock and a clock that never steps', () => {
    expect(systemWorld.random(64)).toHaveLength(64)
    expect(systemWorld.random(16)).not.toEqual(systemWorld.random(16))
    expect(systemWorld.now()).toBeGreaterThan(Date.UTC(2025, 0))
    const before = systemWorld.elapsed()
    expect(systemWorld.elapsed()).toBeGreaterThanOrEqual(before)
  })

  test('calls later, and not at all once cancelled', async () => {
    const called: string[] = []
    systemWorld.after(0, () => called.push('cancelled')).cancel()
    const kept = setTimeout(() => undefined, 10_000)
    await new Promise<void>((resolve) => void systemWorld.after(1, () => (called.push('due'), resolve())))
    clearTimeout(kept)
    expect(called).toEqual(['due'])
  })
})
