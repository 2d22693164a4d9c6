import { cidOf, MusterError, type Cid } from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Muster } from '../client/create-client.ts'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, listOf, startFakeMarket, type FakeMarket } from '../fake/index.ts'
import type { BlobSource } from './blob-source.ts'

let market: FakeMarket
let muster: Muster
beforeEach(async () => {
  market = await startFakeMarket()
  muster = createMuster({ url: market.url, apiKey: fakeApiKey, retry: { firstDelayMs: 1, maxDelayMs: 5 } })
})
afterEach(() => market.close())

const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
const cid = cidOf(bytes)

async function* inParts(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000)
}

const sources: Record<string, () => BlobSource> = {
  bytes: () => bytes,
  'shared memory': () => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    return shared
  },
  'a Blob': () => new Blob([bytes]),
  'a function that opens a stream': () => inParts,
  'a stream that is read once': () => inParts(),
  'a ReadableStream': () => new Blob([bytes]).stream(),
}

describe('putBlob', () => {
  test.each(Object.entries(sources))('stores %s under its CID', async (_, make) => {
    expect(await muster.putBlob(make())).toBe(cid)
    expect(market.network.blobs.get(cid)).toEqual(bytes)
  })

  test.each(Object.entries(sources))('sends %s again after a broken connection', async (_, make) => {
    market.fail('putBlob', { type: 'drop' }, { type: 'lose' })
    expect(await muster.putBlob(make())).toBe(cid)
    expect(market.calls).toEqual(['putBlob', 'putBlob', 'putBlob'])
  })

  test.each([bytes, new Blob([bytes]), inParts])('sends nothing of a blob that is too large', async (source) => {
    await expect(muster.putBlob(source, { maxBytes: 1000 })).rejects.toMatchObject({
      code: 'blob_too_large',
      facts: { expected: 'at most 1000 bytes', found: '200000 bytes' },
    })
    expect(market.calls).toEqual([])
  })
})

describe('putBlobs', () => {
  test('sends each distinct blob once, and only those the market lacks', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((text) => new TextEncoder().encode(text)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    await muster.putBlob(a)
    const progress: number[] = []
    const cids = await muster.putBlobs([a, b, c, b], { onProgress: ({ settled }) => progress.push(settled) })
    expect(cids).toEqual([a, b, c, b].map(cidOf))
    expect(market.calls.filter((name) => name === 'putBlob')).toHaveLength(3)
    expect(progress).toEqual([1, 2, 3])
  })

  test('makes no call for nothing', async () => {
    expect(await muster.putBlobs([])).toEqual([])
    expect(market.calls).toEqual([])
  })

  test('stops at the first refusal', async () => {
    const many = Array.from({ length: 50 }, (_, index) => Uint8Array.of(index))
    market.fail('putBlob', { type: 'answer', status: 403, body: 'no' })
    await expect(muster.putBlobs(many, { concurrency: 1 })).rejects.toMatchObject({ code: 'forbidden' })
    expect(market.calls).toEqual(['findBlobs', 'putBlob'])
  })
})

describe('getBlob', () => {
  beforeEach(() => void market.network.blobs.set(cid, bytes))

  test('gives the bytes', async () => {
    expect(await muster.getBlob(cid)).toEqual(bytes)
  })

  test('fetches again what arrived corrupt, and refuses what stays so', async () => {
    market.fail('getBlob', { type: 'corrupt' })
    expect(await muster.getBlob(cid)).toEqual(bytes)
    market.fail('getBlob', ...Array.from({ length: 5 }, () => ({ type: 'corrupt' as const })))
    await expect(muster.getBlob(cid)).rejects.toMatchObject({ code: 'blob_corrupt', facts: { expected: cid } })
  })

  test('says which blob is missing', async () => {
    const none = cidOf(new Uint8Array(3))
    await expect(muster.getBlob(none)).rejects.toMatchObject({ code: 'blob_missing', facts: { cid: none } })
  })

  test('stops past the size it was told', async () => {
    await expect(muster.getBlob(cid, { maxBytes: 10 })).rejects.toMatchObject({ code: 'blob_too_large' })
  })

  test('gives a range', async () => {
    expect(await muster.getBlobRange(cid, { from: 1000, to: 1010 })).toEqual(bytes.slice(1000, 1010))
  })

  test('a stream of a corrupt blob never ends well', async () => {
    market.fail('getBlob', { type: 'corrupt' })
    const read = async (name: Cid) => listOf(await muster.streamBlob(name))
    await expect(read(cid)).rejects.toThrow(MusterError)
    expect((await read(cid)).reduce((sum, chunk) => sum + chunk.length, 0)).toBe(bytes.length)
  })
})
