import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { createStoreMeter } from './store-meter.ts'

test('counts commits of the last ten whole seconds, and says how far the store is behind', async () => {
  const world = createVirtualWorld()
  const gates: PromiseWithResolvers<void>[] = []
  const meter = createStoreMeter(
    {
      ...createMemoryStore(),
      commit: () => {
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        return gate.promise
      },
    },
    world,
  )
  expect(meter.read()).toEqual({ pendingCommits: 0, commitsPerSecond: 0, lagMs: 0 })
  const commits = [1, 2, 3].map(() => meter.store.commit({}))
  await world.advance(200)
  expect(meter.read()).toEqual({ pendingCommits: 3, commitsPerSecond: 0, lagMs: 200 })
  gates[0]?.resolve()
  gates[1]?.resolve()
  gates[2]?.reject(new Error('refused'))
  await Promise.allSettled(commits)
  expect(meter.read()).toEqual({ pendingCommits: 0, commitsPerSecond: 0, lagMs: 200 })
  await world.advance(1_000)
  expect(meter.read()).toEqual({ pendingCommits: 0, commitsPerSecond: 0.2, lagMs: 200 })
  await world.advance(11_000)
  expect(meter.read()).toEqual({ pendingCommits: 0, commitsPerSecond: 0, lagMs: 0 })
})
