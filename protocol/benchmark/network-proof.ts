import type { Digest } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { sha256Bytes } from '../digest/sha256.ts'

/** SHA-256 of a challenge's seed and the bytes of its blob. */
export const networkProof = (seed: Hex, blob: Uint8Array): Digest => {
  const bytes = new Uint8Array(32 + blob.length)
  bytes.set(fromHex(seed))
  bytes.set(blob, 32)
  return toHex(sha256Bytes(bytes)) as Digest
}
