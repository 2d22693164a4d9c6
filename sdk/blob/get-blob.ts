import { cidOfSha256, getBlobRoute, MusterError, type Cid } from '@muster/protocol'
import { sha256 } from '@noble/hashes/sha2.js'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { retryCall } from '../client/retry-call.ts'
import { collect } from './blob-source.ts'
import { requireSize } from './put-blob.ts'

const requireCid = (expected: Cid, found: Cid): void => {
  if (found === expected) return
  throw new MusterError({
    code: 'blob_corrupt',
    message: 'The bytes that arrived are not the blob that was asked for; they are discarded.',
    facts: { expected, found },
  })
}

const once = async (connection: Connection, cid: Cid, options: CallOptions): Promise<AsyncIterable<Uint8Array>> =>
  callRoute(connection, getBlobRoute, { params: { cid } }, options)

async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  cid: Cid,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = sha256.create()
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    requireSize(bytes, maxBytes)
    hash.update(chunk)
    yield chunk
  }
  requireCid(cid, cidOfSha256(hash.digest()))
}

export interface GetBlobOptions extends CallOptions {
  /** Stops and rejects with `blob_too_large` past this. Default 1 GiB for a blob in memory, none for a stream. */
  readonly maxBytes?: number
}

/**
 * A blob as a stream. Its digest is checked as it passes: the stream ends only if all of it was right, and rejects with
 * `blob_corrupt` otherwise, so keep what came only once it has ended. Rejects with `blob_missing`.
 */
export const streamBlob = async (
  connection: Connection,
  cid: Cid,
  { maxBytes = Number.MAX_SAFE_INTEGER, ...options }: GetBlobOptions = {},
): Promise<AsyncIterable<Uint8Array>> => checked(await once(connection, cid, options), cid, maxBytes)

/** A blob's bytes, checked against its CID; a download that breaks or is corrupt is begun again. Rejects with `blob_missing`, `blob_corrupt`. */
export const getBlob = (
  connection: Connection,
  cid: Cid,
  { maxBytes = 2 ** 30, ...options }: GetBlobOptions = {},
): Promise<Uint8Array<ArrayBuffer>> =>
  retryCall(connection.retry, connection.world, options.signal, async () =>
    collect(
      checked(await once({ ...connection, retry: { ...connection.retry, attempts: 1 } }, cid, options), cid, maxBytes),
    ),
  )

/** Bytes `from` to `to` (exclusive) of a blob. A part cannot be checked against the CID of the whole. */
export const getBlobRange = (
  connection: Connection,
  cid: Cid,
  range: { readonly from: number; readonly to: number },
  options: CallOptions = {},
): Promise<Uint8Array<ArrayBuffer>> =>
  retryCall(connection.retry, connection.world, options.signal, async () => {
    const headers = { ...options.headers, range: `bytes=${range.from}-${range.to - 1}` }
    const single = { ...connection, retry: { ...connection.retry, attempts: 1 } }
    const bytes = await collect(await once(single, cid, { ...options, headers }))
    if (bytes.length <= range.to - range.from) return bytes
    throw new MusterError({
      code: 'internal',
      message: 'The market sent more of this blob than the range that was asked for.',
      facts: { expected: range.to - range.from, found: bytes.length },
      retry: 'never',
    })
  })
