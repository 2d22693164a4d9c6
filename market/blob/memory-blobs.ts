import { cidOf, type Cid } from '@muster/protocol'
import { blobCorrupt, blobMissing, blobTooLarge } from './blob-errors.ts'
import type { BlobStore } from './blob-store.ts'

/** Blobs in memory, for the simulator: what `blobs` holds outlives the market that writes it. `now` is wall-clock ms. */
export const createMemoryBlobs = (
  blobs: Map<Cid, Uint8Array> = new Map(),
  now: () => number = () => -Infinity,
): BlobStore => {
  const putAt = new Map<Cid, number>()
  const put = (cid: Cid, bytes: Uint8Array): void => {
    blobs.set(cid, bytes)
    putAt.set(cid, now())
  }
  const require = (cid: Cid): Uint8Array => {
    const bytes = blobs.get(cid)
    if (bytes === undefined) throw blobMissing(cid)
    return bytes
  }
  return {
    putBytes: async (bytes) => {
      const cid = cidOf(bytes)
      put(cid, bytes)
      return { cid, bytes: bytes.length }
    },
    putStream: async (cid, stream, maxBytes) => {
      const chunks: Uint8Array[] = []
      let length = 0
      for await (const chunk of stream) {
        length += chunk.length
        if (length > maxBytes) throw blobTooLarge(cid, maxBytes)
        chunks.push(chunk)
      }
      const bytes = new Uint8Array(length)
      let at = 0
      for (const chunk of chunks) {
        bytes.set(chunk, at)
        at += chunk.length
      }
      const found = cidOf(bytes)
      if (found !== cid) throw blobCorrupt(cid, found)
      put(cid, bytes)
      return { bytes: length }
    },
    size: async (cid) => blobs.get(cid)?.length,
    read: async (cid) => require(cid),
    stream: async (cid, range) => {
      const bytes = require(cid)
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
      return (async function* () {
        yield part
      })()
    },
    renew: async (cid) => {
      if (blobs.has(cid)) putAt.set(cid, now())
      return blobs.get(cid)?.length
    },
    remove: async (cid, olderThan) => {
      if ((putAt.get(cid) ?? -Infinity) >= olderThan) return false
      putAt.delete(cid)
      blobs.delete(cid)
      return true
    },
  }
}
