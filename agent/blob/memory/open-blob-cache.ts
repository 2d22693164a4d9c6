import { cidOf, type Cid } from '@muster/protocol'
import type { BlobCache } from '../blob-cache.ts'
import { createCacheIndex } from '../cache-index.ts'
import { corruptBlob, missingBlob, oversizedBlob } from '../refuse-blob.ts'

const gather = async (
  cid: Cid,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> => {
  if (bytes instanceof Uint8Array) return bytes
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    length += chunk.length
    if (length > maxBytes) throw oversizedBlob(cid, maxBytes, length)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

/** The blob cache in memory. */
export const openMemoryBlobCache = ({ maxBytes }: { readonly maxBytes: number }): BlobCache => {
  const index = createCacheIndex(maxBytes)
  const blobs = new Map<Cid, Uint8Array>()

  const read = (cid: Cid): Uint8Array | undefined => {
    index.touch(cid)
    return blobs.get(cid)
  }

  return {
    maxBytes,
    bytes: index.bytes,
    has: index.has,
    size: index.size,
    put: async (cid, bytes) => {
      const whole = await gather(cid, bytes, maxBytes)
      const found = cidOf(whole)
      if (found !== cid) throw corruptBlob(cid, found)
      if (index.has(cid)) return index.touch(cid)
      for (const leaving of index.makeRoom(cid, whole.length)) {
        blobs.delete(leaving)
        index.drop(leaving)
      }
      blobs.set(cid, whole.slice())
      index.add(cid, whole.length)
    },
    read: async (cid) => read(cid),
    stream: async function* (cid) {
      const bytes = read(cid)
      if (bytes === undefined) throw missingBlob(cid)
      yield bytes
    },
    pin: index.pin,
    unpin: index.unpin,
    close: async () => {},
  }
}
