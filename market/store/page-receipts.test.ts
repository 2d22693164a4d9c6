import { expect, test } from 'vitest'
import { encodeBatch } from './encode-batch.ts'
import { newestReceipts, oldestReceipts } from './page-receipts.ts'
import { spreadBatch } from './spread-batch.ts'
import { idsOf, someBatch, someId } from './test-records.ts'

test('no batch is decoded that the page does not need', () => {
  const batch = someBatch(someId('job'), [0, 1, 2])
  const ids = idsOf(spreadBatch(batch))
  const [first, , third] = ids
  if (first === undefined || third === undefined) throw new Error('three ids')
  const unreadable = { entry: null, fee: 0n, body: new Uint8Array() }
  const batches = [encodeBatch(batch), unreadable]
  expect(idsOf(oldestReceipts(batches, { limit: 3 }))).toEqual(ids)
  expect(idsOf(oldestReceipts(batches, { limit: 2, after: first }))).toEqual(ids.slice(1))
  expect(idsOf(newestReceipts(batches, { limit: 2, before: third }))).toEqual(ids.slice(0, 2).toReversed())
  expect(() => oldestReceipts(batches, { limit: 3, after: first })).toThrow('not canonical CBOR')
})
