import type { Secp256k1 } from '@muster/protocol'

const keyAt = 33
const keyBytes = 16
const sealAt = keyAt + keyBytes
const secret = 0x5eed_1234

/** FNV-1a over part of `bytes` with a final mix, 32 bits. */
const mix = (bytes: Uint8Array, from: number, to: number, start: number): number => {
  let hash = start
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** What only `sign` writes behind digest and key. */
const writeSeal = (signature: Uint8Array): Uint8Array => {
  const view = new DataView(signature.buffer, signature.byteOffset)
  const first = mix(signature, 0, sealAt, secret)
  view.setUint32(sealAt, first)
  view.setUint32(sealAt + 4, mix(signature, 0, sealAt, first))
  return signature
}

/**
 * Signing without the curve, for runs by the thousand and by the million: a signature is digest, name of the key, and a sum over
 * both, which nobody in a run can make but by signing. What was never signed is signed by nobody, as with the curve. Nothing
 * outside one process checks it.
 */
export const sealSecp256k1 = (curve: Secp256k1): Secp256k1 => {
  const byPrivateKey = new Map<string, Uint8Array>()
  const byName = new Map<string, Uint8Array>()

  const nameOf = (bytes: Uint8Array, at: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + at, keyBytes).toString('latin1')

  const publicKeyOf = (privateKey: Uint8Array): Uint8Array => {
    const name = Buffer.from(privateKey).toString('latin1')
    const known = byPrivateKey.get(name)
    if (known !== undefined) return known
    const publicKey = curve.publicKey(privateKey)
    byPrivateKey.set(name, publicKey)
    byName.set(nameOf(publicKey, 1), publicKey)
    return publicKey
  }

  const seal = (digest: Uint8Array, publicKey: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(65)
    signature.set(digest)
    signature.set(publicKey.subarray(1, 1 + keyBytes), keyAt)
    signature[64] = 27
    return writeSeal(signature)
  }

  return {
    name: curve.name,
    publicKey: publicKeyOf,
    sign: (digest, privateKey) => seal(digest, publicKeyOf(privateKey)),
    recover: (digest, signature) => {
      const publicKey = byName.get(nameOf(signature, keyAt))
      if (publicKey === undefined || Buffer.compare(seal(digest, publicKey), signature) !== 0) return undefined
      return publicKey
    },
  }
}
