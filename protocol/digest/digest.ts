import { sha256 } from '@noble/hashes/sha2.js'
import { encodeCanonical } from '../cbor/canonical.ts'
import { hexSchema, toHex, type Hex } from './hex.ts'

/** SHA-256 of something, as `0x` and 64 hexadecimal digits. */
export type Digest = Hex & { readonly __digest: true }

export const digestBytes = (bytes: Uint8Array): Uint8Array => sha256(bytes)

/** SHA-256 of a value's canonical CBOR. */
export const digestOf = (value: unknown): Digest => toHex(sha256(encodeCanonical(value))) as Digest

export const digestSchema = hexSchema(32).transform((hex) => hex as Digest)
