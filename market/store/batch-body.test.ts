import { encodeCanonical } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { decodeBody, encodeBody } from './batch-body.ts'
import { someBatch, someId } from './test-records.ts'

const someRecords = (count: number) => {
  const { receipts, claims } = someBatch(someId('job'), [...Array(count).keys()], { amount: -(2n ** 63n) })
  return { receipts, claims }
}

describe('the body of a batch', () => {
  test.for([1, 2, 20, 128])('of %i receipts comes back as it was', (count) => {
    const records = someRecords(count)
    expect(decodeBody(encodeBody(records))).toEqual(records)
  })

  test('is canonical CBOR where it is short, and a fraction of that where it is long', () => {
    const [short, long] = [someRecords(1), someRecords(128)]
    expect(encodeBody(short)).toEqual(encodeCanonical(short))
    expect(encodeBody(long).length).toBeLessThan(encodeCanonical(long).length / 4)
  })
})
