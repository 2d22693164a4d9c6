import type { Secp256k1 } from '@muster/protocol'

export interface SealedSecp256k1 extends Secp256k1 {
  /** Forgets who signed what. */
  forget(): void
}

/**
 * Signing without the curve, for runs by the thousand: a signature is 65 bytes that follow from digest and key, and whoever
 * made it is looked up. What was never signed is signed by nobody, as with the curve. Nothing outside one process checks it.
 */
export const sealSecp256k1 = (curve: Secp256k1): SealedSecp256k1 => {
  const publicKeys = new Map<string, Uint8Array>()
  const signers = new Map<string, Uint8Array>()

  const publicKeyOf = (privateKey: Uint8Array): Uint8Array => {
    const name = Buffer.from(privateKey).toString('latin1')
    const known = publicKeys.get(name) ?? curve.publicKey(privateKey)
    publicKeys.set(name, known)
    return known
  }

  const seal = (digest: Uint8Array, publicKey: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(65)
    signature.set(digest)
    signature.set(publicKey.subarray(1, 33), 32)
    signature[32] = 0
    signature[64] = 27
    return signature
  }

  return {
    name: curve.name,
    forget: () => signers.clear(),
    publicKey: publicKeyOf,
    sign: (digest, privateKey) => {
      const publicKey = publicKeyOf(privateKey)
      const signature = seal(digest, publicKey)
      signers.set(Buffer.from(signature).toString('latin1'), publicKey)
      return signature
    },
    recover: (digest, signature) => {
      if (Buffer.compare(digest, signature.subarray(0, 32)) !== 0) return undefined
      return signers.get(Buffer.from(signature).toString('latin1'))
    },
  }
}
