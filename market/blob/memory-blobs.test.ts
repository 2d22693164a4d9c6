import type { Cid } from '@muster/protocol'
import { describeBlobStore } from './blob-compliance.ts'
import { createMemoryBlobs } from './memory-blobs.ts'

describeBlobStore('the in-memory', async () => {
  const held = new Map<Cid, Uint8Array>()
  const now = () => 1_000_000
  return {
    blobs: createMemoryBlobs(held, now),
    now,
    reopen: async () => createMemoryBlobs(held, now),
    list: async () => [...held.keys()],
    close: async () => {},
  }
})
