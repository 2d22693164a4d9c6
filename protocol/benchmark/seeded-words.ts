import { fromHex, type Hex } from '../digest/hex.ts'
import { sha256Bytes } from '../digest/sha256.ts'

/**
 * Words of 32 bits that follow from a seed and a label: xoshiro128** (Blackman and Vigna 2018) whose state is the first 16 bytes of
 * SHA-256 of the seed and the label in ASCII, little-endian. For test material: whoever knows a few words knows the rest.
 */
export const seededWords = (seed: Hex, label: string): (() => number) => {
  const text = new TextEncoder().encode(label)
  const bytes = new Uint8Array(32 + text.length)
  bytes.set(fromHex(seed))
  bytes.set(text, 32)
  const state = new DataView(new Uint8Array(sha256Bytes(bytes)).buffer)
  let a = state.getUint32(0, true)
  let b = state.getUint32(4, true)
  let c = state.getUint32(8, true)
  let d = state.getUint32(12, true)
  return () => {
    const five = Math.imul(b, 5)
    const word = Math.imul((five << 7) | (five >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return word
  }
}
