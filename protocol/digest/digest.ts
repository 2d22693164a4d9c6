import { writeCanonical, writeRecord } from '../cbor/write-canonical.ts'
import { branded } from '../id/branded.ts'
import { hexText, type Hex } from './hex.ts'
import { sha256Bytes, sha256Hex } from './sha256.ts'

/** SHA-256 of something, as `0x` and 64 hexadecimal digits. */
export type Digest = Hex & { readonly __digest: true }

export const digestBytes = (bytes: Uint8Array): Uint8Array => sha256Bytes(bytes)

const digests = new WeakMap<object, Digest>()

const hexDigest = (bytes: Uint8Array): Digest => `0x${sha256Hex(bytes)}` as Digest

/** SHA-256 of a value's canonical CBOR. */
export const digestOf = (value: unknown): Digest => {
  const known = typeof value === 'object' && value !== null ? digests.get(value) : undefined
  return known ?? hexDigest(writeCanonical(value))
}

/** `digestOf` for a record that is signed: freezes it and remembers its digest and bytes as long as it lives. */
export const recordDigest = (record: object): Digest => {
  const known = digests.get(record)
  if (known !== undefined) return known
  const digest = hexDigest(writeRecord(record))
  digests.set(record, digest)
  return digest
}

/** A record's canonical bytes, remembered like its digest. They are shared: do not change them. */
export const recordBytes = (record: object): Uint8Array => writeRecord(record)

export const digestSchema = branded<Digest>(hexText(32))
