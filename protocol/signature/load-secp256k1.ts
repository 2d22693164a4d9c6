import { isWellFormedSignature, nobleSecp256k1, type Secp256k1 } from './secp256k1.ts'

interface NativeModule {
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number }
  ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array
  publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array
}

const wrapNative = (native: NativeModule): Secp256k1 => ({
  name: 'native',
  sign: (digest, privateKey) => {
    const { signature, recid } = native.ecdsaSign(digest, privateKey)
    const bytes = new Uint8Array(65)
    bytes.set(signature)
    bytes[64] = 27 + recid
    return bytes
  },
  recover: (digest, signature) => {
    if (!isWellFormedSignature(signature)) return undefined
    try {
      return native.ecdsaRecover(signature.subarray(0, 64), (signature[64] ?? 27) - 27, digest, false)
    } catch {
      return undefined
    }
  },
  publicKey: (privateKey) => native.publicKeyCreate(privateKey, false),
})

/** The native signer (about 30 µs a signature) where its binding loads on this machine, noble (about 300 µs) elsewhere. */
export const loadSecp256k1 = async (): Promise<Secp256k1> => {
  try {
    const bindings: { default: NativeModule } = await import('secp256k1/bindings.js')
    return wrapNative(bindings.default)
  } catch {
    return nobleSecp256k1
  }
}
