import type { Cid } from '@muster/protocol'
import { fullCache, oversizedBlob } from './refuse-blob.ts'

/** Sizes and pins of the blobs in a cache, in the order of their last use. */
export interface CacheIndex {
  bytes(): number
  has(cid: Cid): boolean
  size(cid: Cid): number | undefined
  touch(cid: Cid): void
  add(cid: Cid, bytes: number): void
  drop(cid: Cid): void
  pin(cid: Cid): void
  unpin(cid: Cid): void
  /** Counts bytes that are arriving: with those of the blobs held, never more than fit. */
  hold(bytes: number): void
  release(bytes: number): void
  /** The blobs that must leave before `bytes` more fit. Throws `blob_too_large` or `disk_full`. */
  makeRoom(cid: Cid, bytes: number): Cid[]
}

export const createCacheIndex = (maxBytes: number): CacheIndex => {
  const sizes = new Map<Cid, number>()
  const pins = new Map<Cid, number>()
  let total = 0
  let arriving = 0

  const drop = (cid: Cid): void => {
    total -= sizes.get(cid) ?? 0
    sizes.delete(cid)
  }

  return {
    bytes: () => total,
    has: (cid) => sizes.has(cid),
    size: (cid) => sizes.get(cid),
    touch: (cid) => {
      const bytes = sizes.get(cid)
      if (bytes === undefined) return
      sizes.delete(cid)
      sizes.set(cid, bytes)
    },
    add: (cid, bytes) => {
      drop(cid)
      sizes.set(cid, bytes)
      total += bytes
    },
    drop,
    pin: (cid) => void pins.set(cid, (pins.get(cid) ?? 0) + 1),
    unpin: (cid) => {
      const count = (pins.get(cid) ?? 0) - 1
      if (count > 0) pins.set(cid, count)
      else pins.delete(cid)
    },
    hold: (bytes) => {
      arriving += bytes
    },
    release: (bytes) => {
      arriving -= bytes
    },
    makeRoom: (cid, bytes) => {
      if (bytes > maxBytes) throw oversizedBlob(cid, maxBytes, bytes)
      const leaving: Cid[] = []
      let after = total + arriving + bytes
      for (const [held, size] of sizes) {
        if (after <= maxBytes) break
        if (pins.has(held)) continue
        leaving.push(held)
        after -= size
      }
      if (after > maxBytes) throw fullCache(cid, maxBytes, after - bytes)
      return leaving
    },
  }
}
