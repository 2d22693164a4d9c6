import { expect, test } from 'vitest'
import { systemWorld } from '../world/system-world.ts'
import type { World } from '../world/world.ts'
import { watchProgress } from './watch-progress.ts'

/** A world whose timers fire when the test says so. */
const handWound = () => {
  const timers = new Set<() => void>()
  const world: World = {
    ...systemWorld,
    after: (_, action) => {
      timers.add(action)
      return { cancel: () => timers.delete(action) }
    },
  }
  const tick = (): void => {
    for (const action of [...timers]) {
      timers.delete(action)
      action()
    }
  }
  return { world, tick, timers }
}

const watch = () => {
  const { world, tick, timers } = handWound()
  const seen = { count: 0, probes: 0, stalls: 0 }
  const { stop } = watchProgress(world, {
    intervalMs: 10,
    maxIdleIntervals: 3,
    count: () => seen.count,
    probe: () => (seen.probes += 1),
    onStalled: () => (seen.stalls += 1),
  })
  return { seen, tick, stop, timers }
}

test('says stalled once after so many intervals in a row without progress', () => {
  const { seen, tick, timers } = watch()
  tick()
  tick()
  expect(seen).toEqual({ count: 0, probes: 2, stalls: 0 })
  tick()
  tick()
  expect(seen).toEqual({ count: 0, probes: 2, stalls: 1 })
  expect(timers.size).toBe(0)
})

test('any progress starts the count anew', () => {
  const { seen, tick } = watch()
  for (let i = 0; i < 20; i++) {
    tick()
    tick()
    seen.count += 1
    tick()
  }
  expect(seen.stalls).toBe(0)
})

test('a stopped watch says nothing', () => {
  const { seen, tick, stop, timers } = watch()
  tick()
  stop()
  for (let i = 0; i < 10; i++) tick()
  expect(seen.stalls).toBe(0)
  expect(timers.size).toBe(0)
})
