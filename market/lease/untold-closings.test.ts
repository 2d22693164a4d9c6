import { createLog, linkClosed, type AgentPeer, type LeaseId } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { address } from '../store/test-records.ts'
import { createTellClosed } from './tell-closed.ts'
import { createUntoldClosings } from './untold-closings.ts'

const provider = address('1')
const lease = 'lse_01HZZZZZZZZZZZZZZZZZZZZZZZ' as LeaseId

const setUp = (most?: number) => {
  const world = createVirtualWorld()
  const told: string[] = []
  let linked: AgentPeer | undefined
  const link = (name: string, isBroken: boolean): void => {
    const call = async (): Promise<object> => {
      if (isBroken) throw linkClosed('lost')
      told.push(name)
      return {}
    }
    linked = { provider, call } as unknown as AgentPeer
  }
  const supply = { peer: () => linked } as unknown as Parameters<typeof createTellClosed>[0]['supply']
  const untold = createUntoldClosings(createTellClosed({ world, supply, log: createLog(() => {}, world) }), most)
  return { world, told, link, untold }
}

test('an agent whose link broke while it was told hears of it over the next one', async () => {
  const { world, told, link, untold } = setUp()
  link('first', true)
  const telling = untold.tell(provider, lease)
  await world.advance(10)
  link('second', false)
  untold.again(provider)
  await world.advance(5_000)
  expect(await telling).toBe(false)
  expect(told).toEqual(['second'])
})

test('what was told is not told again', async () => {
  const { world, told, link, untold } = setUp()
  link('first', false)
  expect(await untold.tell(provider, lease)).toBe(true)
  link('second', false)
  untold.again(provider)
  await world.advance(5_000)
  expect(told).toEqual(['first'])
})

test('agents that are gone for good do not keep the last closings from being remembered', async () => {
  const { world, told, link, untold } = setUp(2)
  for (const gone of ['a', 'b', 'c', 'd']) expect(await untold.tell(address(gone), lease)).toBe(false)
  expect(await untold.tell(provider, lease)).toBe(false)
  link('second', false)
  untold.again(address('a'))
  await world.advance(5_000)
  expect(told).toEqual([])
  untold.again(provider)
  await world.advance(5_000)
  expect(told).toEqual(['second'])
  untold.again(address('d'))
  await world.advance(5_000)
  expect(told).toEqual(['second', 'second'])
})
