import type { Cid } from '@muster/protocol'
import type { BlobStore } from './blob-store.ts'

/** The head of a tensor blob: 8 bytes and at most 8 extents. */
const headBytes = 72

/** The first bytes of a blob, enough for the head of any tensor. Rejects `blob_missing`. */
export const readTensorHead = async (blobs: BlobStore, cid: Cid): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of await blobs.stream(cid, { start: 0, end: headBytes - 1 })) chunks.push(chunk)
  return Buffer.concat(chunks)
}
