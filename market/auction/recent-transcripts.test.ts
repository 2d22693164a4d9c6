import { newId, type AuctionId, type SignedTranscript } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import type { Store } from '../store/store.ts'
import { createRecentTranscripts } from './recent-transcripts.ts'

const setUp = () => {
  const world = createVirtualWorld()
  const kept = new Map<AuctionId, SignedTranscript>()
  const reads: AuctionId[] = []
  let isBroken = false
  const get = async (id: AuctionId) => {
    reads.push(id)
    if (isBroken) throw new Error('the store is away')
    return kept.get(id)
  }
  const read = createRecentTranscripts({ world, store: { auctions: { get } as unknown as Store['auctions'] } })
  const some = (): AuctionId => {
    const id = newId(world, 'auction')
    kept.set(id, { record: { auction: id } } as SignedTranscript)
    return id
  }
  return { world, reads, read, some, break: (broken: boolean) => (isBroken = broken) }
}

test('a transcript that many look at is read once, and again a minute later', async () => {
  const { world, reads, read, some } = setUp()
  const id = some()
  const found = await Promise.all([read(id), read(id), read(id)])
  expect(found.map((transcript) => transcript?.record.auction)).toEqual([id, id, id])
  expect(reads).toHaveLength(1)
  await world.advance(60_001)
  await read(id)
  expect(reads).toHaveLength(2)
})

test('what is not there, or could not be read, is not remembered, and few that are', async () => {
  const { world, reads, read, some, break: breakStore } = setUp()
  const nothing = newId(world, 'auction')
  expect([await read(nothing), await read(nothing)]).toEqual([undefined, undefined])
  expect(reads).toHaveLength(2)
  const id = some()
  breakStore(true)
  await expect(read(id)).rejects.toThrow('away')
  breakStore(false)
  expect((await read(id))?.record.auction).toBe(id)
  const others = Array.from({ length: 8 }, some)
  for (const other of others) await read(other)
  for (let asked = 0; asked < 20; asked++) await read(newId(world, 'auction'))
  reads.length = 0
  for (const other of others) await read(other)
  expect(reads).toEqual([])
  await read(id)
  expect(reads).toEqual([id])
})
