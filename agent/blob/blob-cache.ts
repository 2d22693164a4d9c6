import type { Cid } from '@muster/protocol'

/**
 * Blobs by their digest, bounded in size: what was used longest ago leaves first, what is pinned stays.
 * Two implementations pass `blob-cache-compliance.ts`.
 */
export interface BlobCache {
  readonly maxBytes: number
  /** Bytes held now. */
  bytes(): number
  has(cid: Cid): boolean
  /** Its bytes, where it is here. */
  size(cid: Cid): number | undefined
  /**
   * Stores a blob after checking that it is what its CID says; one already here is read to its end and kept once.
   * Rejects with `blob_corrupt`, with `blob_too_large` where it is above `maxBytes`, with `disk_full` where pinned blobs
   * or the disk leave no room.
   */
  put(cid: Cid, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  /** The blob, or `undefined` where it is not here, or no longer what its CID says. */
  read(cid: Cid): Promise<Uint8Array | undefined>
  /** The blob in chunks. Throws `blob_missing`. */
  stream(cid: Cid): AsyncIterable<Uint8Array>
  /** Keeps the blob, present or still to come, until it was unpinned as often. */
  pin(cid: Cid): void
  unpin(cid: Cid): void
  close(): Promise<void>
}
