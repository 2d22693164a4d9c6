import {
  emptyRecord,
  expectReliability,
  newId,
  silentLog,
  type Address,
  type LeaseObservation,
  type World,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { createProviderRecords } from './provider-records.ts'

const provider = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}` as Address

const outage = (world: World, of: Address): LeaseObservation => ({
  id: newId(world, 'lease'),
  provider: of,
  at: world.now(),
  program: 'noop',
  honoured: 1,
  refused: 0,
  exposureMs: 3_600_000,
  outages: 1,
  succeeded: 0,
  failed: 0,
  matched: 0,
  mismatched: 0,
  durationMs: null,
  startMs: null,
})

const setUp = () => {
  const world = createVirtualWorld()
  const { observations } = createMemoryStore()
  const asked: (readonly Address[])[] = []
  let gate: Promise<void> = Promise.resolve()
  const store = {
    observations: {
      ...observations,
      newestOf: async (providers: readonly Address[], limit: number) => {
        asked.push(providers)
        const found = await observations.newestOf(providers, limit)
        await gate
        return found
      },
    },
  }
  const records = createProviderRecords({ world, store, log: silentLog })
  const hazardOf = async (of: Address) => (await records.expect([of]))(of).hazardPerHour
  return { world, asked, records, hazardOf, close: (until: Promise<void>) => void (gate = until) }
}

const unknown = expectReliability(emptyRecord, 0).hazardPerHour

test('a record is read once, follows what is seen here, and is read again after ten minutes', async () => {
  const { world, asked, records, hazardOf } = setUp()
  expect(await hazardOf(provider(1))).toBe(unknown)
  records.add(outage(world, provider(1)))
  await records.flush()
  const after = await hazardOf(provider(1))
  expect(after).toBeGreaterThan(unknown)
  expect(asked).toHaveLength(1)
  const { record, observations } = await records.read(provider(1))
  expect(expectReliability(record, world.now()).hazardPerHour).toBe(after)
  expect(observations).toHaveLength(1)
  await world.advance(600_001)
  await hazardOf(provider(1))
  expect(asked).toHaveLength(3)
  expect((await records.look([provider(1)])).get(provider(1))?.observations).toBe(1)
})

test('an observation said again counts once, written before or not', async () => {
  const { world, records, hazardOf } = setUp()
  await hazardOf(provider(1))
  const seen = outage(world, provider(1))
  records.add(seen)
  records.add(seen)
  await records.flush()
  const once = await hazardOf(provider(1))
  records.add(seen)
  await records.flush()
  expect(await hazardOf(provider(1))).toBe(once)
  expect((await records.read(provider(1))).observations).toHaveLength(1)
})

test('what was read across a write is not kept, as it may lack it or hold it twice', async () => {
  const { world, asked, records, hazardOf, close } = setUp()
  const opened = Promise.withResolvers<void>()
  close(opened.promise)
  const reading = hazardOf(provider(1))
  records.add(outage(world, provider(1)))
  await records.flush()
  opened.resolve()
  await reading
  expect(await hazardOf(provider(1))).toBeGreaterThan(unknown)
  expect(asked).toHaveLength(2)
})

test('no more records are kept than there is room for, those asked for last', async () => {
  const { asked, records } = setUp()
  const readOf = async (...providers: Address[]) => {
    asked.splice(0)
    await records.expect(providers)
    return asked.flat()
  }
  await records.expect(Array.from({ length: 100_000 }, (_, index) => provider(index)))
  expect(await readOf(provider(0))).toEqual([])
  expect(await readOf(provider(200_000))).toEqual([provider(200_000)])
  expect(await readOf(provider(0), provider(99_999))).toEqual([])
  expect(await readOf(provider(1))).toEqual([provider(1)])
})
