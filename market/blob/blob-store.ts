import type { Cid } from '@muster/protocol'

export interface ByteRange {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

/** Where the bytes of blobs are: named by their SHA-256, written once. Two implementations pass one suite. */
export interface BlobStore {
  /** Keeps the bytes and names them. Rejects `disk_full`. */
  putBytes(bytes: Uint8Array): Promise<{ readonly cid: Cid; readonly bytes: number }>
  /**
   * Streams bytes in and keeps them only if they are what `cid` says.
   * Rejects `blob_corrupt`, `blob_too_large` past `maxBytes`, `disk_full`; nothing of a refused blob is left.
   */
  putStream(cid: Cid, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ readonly bytes: number }>
  /** Size in bytes, or `undefined` where it is not here. */
  size(cid: Cid): Promise<number | undefined>
  /** As `size`, and makes a blob that is here as young as one that was put now. */
  renew(cid: Cid): Promise<number | undefined>
  /** Rejects `blob_missing`. */
  read(cid: Cid): Promise<Uint8Array>
  /** Streams the blob or an inclusive range of it. Rejects `blob_missing` before the first byte. */
  stream(cid: Cid, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>
  /** Deletes the blob unless it was put or renewed at `olderThan` (wall-clock ms) or later. Resolves to whether it is gone. */
  remove(cid: Cid, olderThan: number): Promise<boolean>
}
