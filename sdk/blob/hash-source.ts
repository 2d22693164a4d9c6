import { cidOfSha256, type Cid } from '@muster/protocol'
import { sha256 } from '@noble/hashes/sha2.js'
import { openSource, reopenable, type BlobSource, type ReopenableSource } from './blob-source.ts'

export interface HashedSource {
  readonly cid: Cid
  readonly bytes: number
}

/** WebCrypto hashes about ten times as fast as a script and off the main thread, but only what is in memory, and only in a secure context. */
const hashBytes = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> => {
  const { subtle } = globalThis.crypto as { readonly subtle?: typeof globalThis.crypto.subtle }
  return subtle === undefined ? sha256(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes))
}

/** Files up to this size are hashed in memory, by WebCrypto. */
const hashedAtOnceBytes = 64 * 2 ** 20

/** The CID and length of a source. */
export const hashSource = async (source: ReopenableSource): Promise<HashedSource> => {
  if (source instanceof Uint8Array) return { cid: cidOfSha256(await hashBytes(source)), bytes: source.length }
  if (source instanceof Blob && source.size <= hashedAtOnceBytes)
    return hashSource(new Uint8Array(await source.arrayBuffer()))
  const hash = sha256.create()
  let bytes = 0
  for await (const chunk of openSource(source)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { cid: cidOfSha256(hash.digest()), bytes }
}

/** The CID a source would be stored under, without storing it. A stream that can be read only once is used up. */
export const cidOfSource = async (source: BlobSource): Promise<Cid> => (await hashSource(await reopenable(source))).cid
