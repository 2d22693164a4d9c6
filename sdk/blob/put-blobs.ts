import { findBlobsRoute, type Cid } from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { reopenable, type BlobSource, type ReopenableSource } from './blob-source.ts'
import { forEachAtOnce } from './for-each-at-once.ts'
import { hashSource, type HashedSource } from './hash-source.ts'
import { requireSize, sendBlob } from './put-blob.ts'

export interface PutBlobsOptions extends CallOptions {
  /** Uploads at once. Default 8. */
  readonly concurrency?: number
  /** Refuses a larger source before anything is sent. */
  readonly maxBytes?: number
  /** Called as bytes are settled: those sent, and those the market had already. */
  readonly onProgress?: (progress: PutProgress) => void
}

export interface PutProgress {
  readonly blobs: number
  readonly settled: number
  readonly bytes: number
  readonly settledBytes: number
}

const cidsPerCall = 20_000

const findMissing = async (connection: Connection, cids: readonly Cid[], options: CallOptions): Promise<Set<Cid>> => {
  const missing = new Set<Cid>()
  for (let from = 0; from < cids.length; from += cidsPerCall) {
    const body = { cids: cids.slice(from, from + cidsPerCall) }
    const answer = await callRoute(connection, findBlobsRoute, { body }, { ...options, isIdempotent: true })
    for (const cid of answer.missing) missing.add(cid)
  }
  return missing
}

/**
 * Stores many blobs, each distinct one once and only those the market does not hold, several at a time.
 * Gives the CIDs in the order of the sources. Rejects as `putBlob`; what was sent before stays.
 */
export const putBlobs = async (
  connection: Connection,
  sources: readonly BlobSource[],
  options: PutBlobsOptions = {},
): Promise<Cid[]> => {
  const { concurrency = 8, maxBytes, onProgress, ...call } = options
  const cids: Cid[] = []
  const distinct = new Map<Cid, { readonly source: ReopenableSource; readonly hashed: HashedSource }>()
  for (const given of sources) {
    const source = await reopenable(given)
    const hashed = await hashSource(source)
    if (maxBytes !== undefined) requireSize(hashed.bytes, maxBytes)
    cids.push(hashed.cid)
    if (!distinct.has(hashed.cid)) distinct.set(hashed.cid, { source, hashed })
  }
  if (distinct.size === 0) return cids
  const missing = await findMissing(connection, [...distinct.keys()], call)
  let settled = 0
  let settledBytes = 0
  let bytes = 0
  for (const { hashed } of distinct.values()) {
    bytes += hashed.bytes
    if (missing.has(hashed.cid)) continue
    settled++
    settledBytes += hashed.bytes
  }
  const report = () => onProgress?.({ blobs: distinct.size, settled, bytes, settledBytes })
  report()
  await forEachAtOnce([...missing], concurrency, async (cid) => {
    const blob = distinct.get(cid)
    if (blob === undefined) return
    await sendBlob(connection, blob.source, blob.hashed, call)
    settled++
    settledBytes += blob.hashed.bytes
    report()
  })
  return cids
}
