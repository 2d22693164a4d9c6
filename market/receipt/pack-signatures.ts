import { maxPathLength, toHex, writeHex, type Signature } from '@muster/protocol'

const signatureBytes = 65
const nodeBytes = 32
/** In place of a path's length: a signature over one record. */
const alone = 0xff

const packedBytes = (signature: Signature): number =>
  1 + signatureBytes + (typeof signature === 'string' ? 0 : nodeBytes * (1 + signature.path.length))

/**
 * Signatures as the store keeps them, one after the other: a byte that says how long the path is, 65 bytes of signature,
 * and where it is over a batch the root and the path, 32 bytes each.
 */
export const packSignatures = (signatures: readonly Signature[]): Uint8Array => {
  const bytes = new Uint8Array(signatures.reduce((sum, signature) => sum + packedBytes(signature), 0))
  let at = 0
  for (const signature of signatures) {
    const isAlone = typeof signature === 'string'
    bytes[at++] = isAlone ? alone : signature.path.length
    writeHex(bytes, at, isAlone ? signature : signature.signature)
    at += signatureBytes
    if (isAlone) continue
    for (const node of [signature.root, ...signature.path]) {
      writeHex(bytes, at, node)
      at += nodeBytes
    }
  }
  return bytes
}

/** The signatures again. Throws `RangeError` on bytes that `packSignatures` did not make. */
export const unpackSignatures = (bytes: Uint8Array): Signature[] => {
  const signatures: Signature[] = []
  let at = 0
  const take = (length: number) => {
    if (at + length > bytes.length) throw new RangeError('the end of a signature is missing')
    at += length
    return toHex(bytes.subarray(at - length, at))
  }
  while (at < bytes.length) {
    const length = bytes[at++] ?? alone
    const signature = take(signatureBytes)
    if (length === alone) {
      signatures.push(signature)
      continue
    }
    if (length > maxPathLength) throw new RangeError('a path is too long')
    const root = take(nodeBytes)
    const path = Array.from({ length }, () => take(nodeBytes))
    signatures.push({ root, path, signature })
  }
  return signatures
}
