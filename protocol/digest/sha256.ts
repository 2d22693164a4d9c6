import { sha256 as portable } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

interface NativeHash {
  (algorithm: 'sha256', bytes: Uint8Array): string
  (algorithm: 'sha256', bytes: Uint8Array, encoding: 'buffer'): Uint8Array
  (algorithm: 'sha256', bytes: Uint8Array, encoding: 'latin1'): string
}

interface Platform {
  readonly process?: { getBuiltinModule?(name: string): { readonly hash?: NativeHash } | undefined }
}

const native = (globalThis as Platform).process?.getBuiltinModule?.('node:crypto')?.hash

/** SHA-256 in lower-case hexadecimal: by the platform where it has one that answers at once, else in JavaScript. */
export const sha256Hex: (bytes: Uint8Array) => string =
  native === undefined ? (bytes) => bytesToHex(portable(bytes)) : (bytes) => native('sha256', bytes)

/** SHA-256 as 32 bytes, by the same. */
export const sha256Bytes: (bytes: Uint8Array) => Uint8Array =
  native === undefined ? portable : (bytes) => new Uint8Array(native('sha256', bytes, 'buffer'))

/** SHA-256 as a text of 32 characters, each the value of a byte: of the three forms the cheapest to make and to compare. */
export const sha256Text: (bytes: Uint8Array) => string =
  native === undefined
    ? (bytes) => String.fromCharCode(...portable(bytes))
    : (bytes) => native('sha256', bytes, 'latin1')
