import { cidOf, MusterError, type Cid } from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BlobStore } from './blob-store.ts'

export interface BlobStoreFixture {
  readonly blobs: BlobStore
  /** Wall-clock ms by which the store dates its blobs. */
  now(): number
  /** The same store after the process that held it ended. */
  reopen(): Promise<BlobStore>
  /** Names of everything it holds, half-written blobs included. */
  list(): Promise<readonly string[]>
  close(): Promise<void>
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const hello = bytesOf('hello, blob')

const inChunks = async function* (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const read = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof MusterError ? error.code : String(error)
}

/** What every store of blobs does. */
export const describeBlobStore = (name: string, open: () => Promise<BlobStoreFixture>): void => {
  describe(`${name} blob store`, () => {
    let fixture: BlobStoreFixture
    let blobs: BlobStore
    beforeEach(async () => {
      fixture = await open()
      blobs = fixture.blobs
    })
    afterEach(() => fixture.close())
    const put = (bytes: Uint8Array, cid = cidOf(bytes), most = 1_000_000) =>
      blobs.putStream(cid, inChunks(bytes, 4), most)

    test('gives back what was put, whole, by range and after a restart', async () => {
      expect(await blobs.putBytes(hello)).toEqual({ cid: cidOf(hello), bytes: hello.length })
      const other = bytesOf('another one')
      expect(await put(other)).toEqual({ bytes: other.length })
      for (const bytes of [hello, other]) {
        const cid = cidOf(bytes)
        expect(await blobs.size(cid)).toBe(bytes.length)
        expect(new Uint8Array(await blobs.read(cid))).toEqual(bytes)
        expect(await read(await blobs.stream(cid))).toEqual(bytes)
        expect(await read(await blobs.stream(cid, { start: 2, end: 4 }))).toEqual(bytes.slice(2, 5))
        expect(await read(await blobs.stream(cid, { start: 8, end: 500 }))).toEqual(bytes.slice(8))
      }
      const again = await fixture.reopen()
      expect(new Uint8Array(await again.read(cidOf(hello)))).toEqual(hello)
    })

    test('holds an empty blob', async () => {
      const empty = new Uint8Array(0)
      await put(empty)
      await blobs.putBytes(empty)
      expect(await blobs.size(cidOf(empty))).toBe(0)
      expect(await read(await blobs.stream(cidOf(empty)))).toEqual(empty)
    })

    test('may be given the same blob twice, also at once', async () => {
      await Promise.all([put(hello), blobs.putBytes(hello), put(hello), blobs.putBytes(hello)])
      expect(new Uint8Array(await blobs.read(cidOf(hello)))).toEqual(hello)
      expect(await fixture.list()).toEqual([cidOf(hello)])
    })

    test('refuses bytes that are not what they are called, and keeps nothing of them', async () => {
      expect(await codeOf(put(hello, cidOf(bytesOf('something else'))))).toBe('blob_corrupt')
      expect(await fixture.list()).toEqual([])
    })

    test('refuses a blob past the limit at the byte that passes it, and keeps nothing of it', async () => {
      let sent = 0
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        for (;;) {
          sent += 1_000
          yield new Uint8Array(1_000)
        }
      }
      expect(await codeOf(blobs.putStream(cidOf(hello), endless(), 10_500))).toBe('blob_too_large')
      expect(sent).toBe(11_000)
      expect(await fixture.list()).toEqual([])
      expect(await put(hello, cidOf(hello), hello.length)).toEqual({ bytes: hello.length })
    })

    test('keeps nothing of an upload that breaks off', async () => {
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield hello
        throw new Error('the caller hung up')
      }
      expect(await codeOf(blobs.putStream(cidOf(hello), broken(), 1_000))).toContain('hung up')
      expect(await fixture.list()).toEqual([])
    })

    test('says so where it does not hold a blob', async () => {
      const missing: Cid = cidOf(bytesOf('never put'))
      expect(await blobs.size(missing)).toBeUndefined()
      expect(await blobs.renew(missing)).toBeUndefined()
      expect(await codeOf(blobs.read(missing))).toBe('blob_missing')
      expect(await codeOf(blobs.stream(missing))).toBe('blob_missing')
      expect(await blobs.remove(missing, fixture.now() + 60_000)).toBe(true)
    })

    test('deletes a blob unless it was put or renewed since', async () => {
      await put(hello)
      expect(await blobs.remove(cidOf(hello), fixture.now() - 60_000)).toBe(false)
      expect(await blobs.size(cidOf(hello))).toBe(hello.length)
      expect(await blobs.remove(cidOf(hello), fixture.now() + 60_000)).toBe(true)
      expect(await blobs.size(cidOf(hello))).toBeUndefined()
      await put(hello)
      expect(await blobs.renew(cidOf(hello))).toBe(hello.length)
      expect(await fixture.list()).toEqual([cidOf(hello)])
    })
  })
}
