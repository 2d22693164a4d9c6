import { secp256k1 as noble } from '@noble/curves/secp256k1.js'

/**
 * ECDSA over secp256k1 with low-s, deterministic (RFC 6979) signatures of 65 bytes: r ‖ s ‖ v with v = 27 or 28.
 * Two implementations give the same bytes: noble, and the native package where it loads.
 */
export interface Secp256k1 {
  readonly name: 'native' | 'noble'
  /** 65 bytes over a 32-byte digest. */
  sign(digest: Uint8Array, privateKey: Uint8Array): Uint8Array
  /** The signer's uncompressed public key (65 bytes), or `undefined` where no key made this signature. */
  recover(digest: Uint8Array, signature: Uint8Array): Uint8Array | undefined
  /** Uncompressed public key (65 bytes). */
  publicKey(privateKey: Uint8Array): Uint8Array
}

const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** A signature has one spelling: v is 27 or 28 and s is in the lower half of the order (EIP-2). */
export const isWellFormedSignature = (signature: Uint8Array): boolean => {
  const v = signature[64]
  if (signature.length !== 65 || (v !== 27 && v !== 28)) return false
  let s = 0n
  for (const byte of signature.subarray(32, 64)) s = (s << 8n) | BigInt(byte)
  return s > 0n && s <= halfOrder
}

export const nobleSecp256k1: Secp256k1 = {
  name: 'noble',
  sign: (digest, privateKey) => {
    const signed = noble.sign(digest, privateKey, { prehash: false, format: 'recovered' })
    const signature = new Uint8Array(65)
    signature.set(signed.subarray(1), 0)
    signature[64] = 27 + (signed[0] ?? 0)
    return signature
  },
  recover: (digest, signature) => {
    if (!isWellFormedSignature(signature)) return undefined
    const recovered = new Uint8Array(65)
    recovered[0] = (signature[64] ?? 27) - 27
    recovered.set(signature.subarray(0, 64), 1)
    try {
      return noble.Point.fromBytes(noble.recoverPublicKey(recovered, digest, { prehash: false })).toBytes(false)
    } catch {
      return undefined
    }
  },
  publicKey: (privateKey) => noble.getPublicKey(privateKey, false),
}
