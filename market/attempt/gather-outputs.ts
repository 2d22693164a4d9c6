import { createHash } from 'node:crypto'
import { cidOfSha256, type AgentPeer, type Cid, type NamedBlob, type World } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { Store } from '../store/store.ts'

/** Blobs that came inside a message, by the name their bytes have. */
export type Inline = ReadonlyMap<Cid, Uint8Array>

export const nameInline = (blobs: readonly Uint8Array[]): Inline =>
  new Map(blobs.map((bytes) => [cidOfSha256(createHash('sha256').update(bytes).digest()), bytes]))

export interface GatherOutputsModules {
  readonly world: World
  readonly store: Store
  readonly blobs: BlobStore
  readonly maxBlobBytes: number
}

/**
 * Holds every output before its claim counts: inline ones are kept, the rest fetched from the agent. Resolves to their
 * sizes. A fetched blob is noted at once, so that it is collected where its claim comes to nothing.
 */
export const gatherOutputs = async (
  peer: AgentPeer,
  outputs: readonly NamedBlob[],
  inline: Inline,
  { world, store, blobs, maxBlobBytes }: GatherOutputsModules,
): Promise<ReadonlyMap<Cid, number>> => {
  const sizes = new Map<Cid, number>()
  for (const { cid } of outputs) {
    if (sizes.has(cid)) continue
    const came = inline.get(cid)
    if (came !== undefined) {
      sizes.set(cid, (await blobs.putBytes(came)).bytes)
      continue
    }
    const known = await blobs.renew(cid)
    const bytes = known ?? (await blobs.putStream(cid, peer.getBlob(cid, maxBlobBytes), maxBlobBytes)).bytes
    await store.blobs.put({ cid, bytes, createdAt: world.now() })
    sizes.set(cid, bytes)
  }
  return sizes
}
