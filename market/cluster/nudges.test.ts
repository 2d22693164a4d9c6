import { silentLog } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createInProcessBus } from './bus/in-process-bus.ts'
import { createNudges } from './nudges.ts'

const setUp = () => {
  const world = createVirtualWorld()
  const bus = createInProcessBus()
  const heard: string[] = []
  const join = (id: string) =>
    createNudges((from, kind) => void heard.push(`${id} ${from} ${kind}`), {
      bus: bus.join(),
      world,
      id: () => id,
      isNode: (node) => ['a', 'b', 'c'].includes(node),
      log: silentLog,
    })
  return { world, bus, heard, join }
}

test('a nudge reaches the others and not its sender; many of a kind at once are one', async () => {
  const { world, heard, join } = setUp()
  const [a] = [join('a'), join('b'), join('c')]
  for (let times = 0; times < 100; times++) a?.send('freed')
  a?.send('links')
  a?.sendNow('nodes')
  await world.advance(100)
  expect(heard.toSorted()).toEqual(['b a freed', 'b a links', 'b a nodes', 'c a freed', 'c a links', 'c a nodes'])
})

test('whatever else is said on the bus is passed over', async () => {
  const { world, bus, heard, join } = setUp()
  join('a')
  const stranger = bus.join()
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string(), fc.json(), fc.string({ minLength: 10_000, maxLength: 10_001 })),
      async (text) => {
        stranger.publish(text)
        await world.settle()
        expect(heard).toEqual([])
      },
    ),
    { numRuns: 200 },
  )
  await world.advance(1_000)
  stranger.publish('{"from":"b","kind":"links","more":1}')
  stranger.publish('{"from":"b","kind":"jobs"}')
  stranger.publish('{"from":"b","kind":"links"}')
  await world.settle()
  expect(heard).toEqual(['a b links'])
})

test('whoever repeats itself on the bus makes a node look some times a second, and what came last is still looked at', async () => {
  const { world, bus, heard, join } = setUp()
  join('a')
  const stranger = bus.join()
  for (let ms = 0; ms < 500; ms++) {
    for (const kind of ['links', 'freed', 'facts', 'nodes'])
      for (const from of ['b', 'c', `made-up-${ms}`]) stranger.publish(JSON.stringify({ from, kind }))
    await world.advance(1)
  }
  expect(heard.length).toBeLessThan(50 + 100)
  await world.advance(1_000)
  heard.length = 0
  stranger.publish('{"from":"b","kind":"links"}')
  await world.advance(1)
  stranger.publish('{"from":"b","kind":"links"}')
  stranger.publish('{"from":"c","kind":"links"}')
  await world.settle()
  expect(heard).toEqual(['a b links', 'a c links'])
  await world.advance(100)
  expect(heard).toEqual(['a b links', 'a c links', 'a b links'])
})

test('a flood is not even read, and leaves no trace a second later', async () => {
  const { world, bus, heard, join } = setUp()
  join('a')
  const stranger = bus.join()
  for (let times = 0; times < 20_000; times++) stranger.publish('{"from":"no-node-0","kind":')
  stranger.publish('{"from":"b","kind":"links"}')
  await world.advance(100)
  expect(heard).toEqual([])
  expect(world.pending()).toBe(0)
  await world.advance(1_000)
  stranger.publish('{"from":"b","kind":"links"}')
  await world.settle()
  expect(heard).toEqual(['a b links'])
})
