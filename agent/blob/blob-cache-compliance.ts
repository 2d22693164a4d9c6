import { cidOf, type Cid } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { BlobCache } from './blob-cache.ts'

const blob = (fill: number, length: number): Uint8Array => new Uint8Array(length).fill(fill)

const chunks = async function* (bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const gather = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}

const putBlob = async (cache: BlobCache, bytes: Uint8Array): Promise<Cid> => {
  const cid = cidOf(bytes)
  await cache.put(cid, bytes)
  return cid
}

/** What every blob cache promises; `open` gives an empty one of this size. */
export const testBlobCache = (name: string, open: (maxBytes: number) => Promise<BlobCache>): void => {
  describe(`blob cache: ${name}`, () => {
    test('gives back what was put, whole or streamed', async () => {
      const cache = await open(10_000)
      const bytes = blob(1, 5000)
      const cid = cidOf(bytes)
      await cache.put(cid, chunks(bytes, 999))
      expect(cache.has(cid)).toBe(true)
      expect(cache.size(cid)).toBe(5000)
      expect(cache.bytes()).toBe(5000)
      expect(new Uint8Array((await cache.read(cid)) ?? [])).toEqual(bytes)
      expect(await gather(cache.stream(cid))).toEqual(bytes)
      await cache.close()
    })

    test('holds the empty blob', async () => {
      const cache = await open(100)
      const cid = await putBlob(cache, blob(0, 0))
      expect(cache.has(cid)).toBe(true)
      expect((await cache.read(cid))?.length).toBe(0)
      expect(await gather(cache.stream(cid))).toEqual(new Uint8Array(0))
      await cache.close()
    })

    test('has nothing that was not put', async () => {
      const cache = await open(100)
      const cid = cidOf(blob(1, 1))
      expect(cache.has(cid)).toBe(false)
      expect(cache.size(cid)).toBeUndefined()
      expect(await cache.read(cid)).toBeUndefined()
      await expect(gather(cache.stream(cid))).rejects.toMatchObject({ code: 'blob_missing' })
      await cache.close()
    })

    test('refuses bytes that are not what the CID says and keeps none of them', async () => {
      const cache = await open(10_000)
      const cid = cidOf(blob(1, 10))
      await expect(cache.put(cid, blob(2, 10))).rejects.toMatchObject({ code: 'blob_corrupt' })
      await expect(cache.put(cid, chunks(blob(1, 9), 4))).rejects.toMatchObject({ code: 'blob_corrupt' })
      expect(cache.has(cid)).toBe(false)
      expect(cache.bytes()).toBe(0)
      await cache.close()
    })

    test('passes on what the source throws and keeps nothing', async () => {
      const cache = await open(10_000)
      const cid = cidOf(blob(1, 10))
      const broken = async function* (): AsyncIterable<Uint8Array> {
        yield blob(1, 5)
        throw new Error('the link broke')
      }
      await expect(cache.put(cid, broken())).rejects.toThrow('the link broke')
      expect(cache.bytes()).toBe(0)
      await cache.close()
    })

    test('refuses a blob larger than itself without reading it to its end', async () => {
      const cache = await open(1000)
      let given = 0
      const endless = async function* (): AsyncIterable<Uint8Array> {
        for (;;) {
          given += 100
          yield blob(1, 100)
        }
      }
      await expect(cache.put(cidOf(blob(1, 1)), endless())).rejects.toMatchObject({ code: 'blob_too_large' })
      expect(given).toBeLessThan(2000)
      await cache.close()
    })

    test('what was used longest ago leaves first', async () => {
      const cache = await open(300)
      const first = await putBlob(cache, blob(1, 100))
      const second = await putBlob(cache, blob(2, 100))
      const third = await putBlob(cache, blob(3, 100))
      await cache.read(first)
      const fourth = await putBlob(cache, blob(4, 100))
      expect([first, second, third, fourth].map((cid) => cache.has(cid))).toEqual([true, false, true, true])
      expect(cache.bytes()).toBe(300)
      await cache.close()
    })

    test('what is pinned stays, as often as it was pinned', async () => {
      const cache = await open(200)
      const kept = cidOf(blob(1, 100))
      cache.pin(kept)
      cache.pin(kept)
      await putBlob(cache, blob(1, 100))
      cache.unpin(kept)
      await putBlob(cache, blob(2, 100))
      await putBlob(cache, blob(3, 100))
      expect(cache.has(kept)).toBe(true)
      cache.unpin(kept)
      await putBlob(cache, blob(4, 100))
      await putBlob(cache, blob(5, 100))
      expect(cache.has(kept)).toBe(false)
      await cache.close()
    })

    test('says disk_full where pinned blobs leave no room, and keeps them', async () => {
      const cache = await open(200)
      const kept = await putBlob(cache, blob(1, 150))
      cache.pin(kept)
      await expect(cache.put(cidOf(blob(2, 100)), blob(2, 100))).rejects.toMatchObject({
        code: 'disk_full',
        fault: 'machine',
      })
      expect(cache.has(kept)).toBe(true)
      expect(cache.bytes()).toBe(150)
      await cache.close()
    })

    test('never holds more than its bound while many arrive at once', async () => {
      const cache = await open(1000)
      await Promise.all(Array.from({ length: 40 }, (_, index) => putBlob(cache, blob(index, 90))))
      expect(cache.bytes()).toBeLessThanOrEqual(1000)
      await cache.close()
    })

    test('the same blob arriving twice is kept once', async () => {
      const cache = await open(1000)
      await Promise.all([putBlob(cache, blob(1, 400)), putBlob(cache, blob(1, 400)), putBlob(cache, blob(1, 400))])
      expect(cache.bytes()).toBe(400)
      await cache.close()
    })

    test('what is read does not change when the caller changes its bytes', async () => {
      const cache = await open(1000)
      const bytes = blob(1, 10)
      const cid = await putBlob(cache, bytes)
      bytes.fill(9)
      expect(new Uint8Array((await cache.read(cid)) ?? [])).toEqual(blob(1, 10))
      await cache.close()
    })
  })
}
