import type { Log, World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { BlobStore } from './blob-store.ts'

export interface CollectBlobsModules {
  readonly world: World
  readonly store: Store
  readonly blobs: BlobStore
  readonly log: Log
}

const pageBlobs = 500

/** Deletes blobs that no job refers to and that are older than `keepMs`. Resolves to how many went. */
export const collectBlobs = async (
  keepMs: number,
  { world, store, blobs, log }: CollectBlobsModules,
): Promise<number> => {
  const olderThan = world.now() - keepMs
  let removed = 0
  while (true) {
    const page = await store.blobs.unreferenced({ olderThan, limit: pageBlobs })
    for (const { cid } of page) {
      if (!(await store.blobs.remove(cid, olderThan))) continue
      if (await blobs.remove(cid, olderThan)) removed++
    }
    if (page.length < pageBlobs) break
  }
  if (removed > 0) log.info('collected blobs', { removed })
  return removed
}
