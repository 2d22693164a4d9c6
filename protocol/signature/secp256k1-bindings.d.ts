declare module 'secp256k1/bindings.js' {
  interface NativeSecp256k1 {
    ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number }
    ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array
    publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array
  }
  const bindings: NativeSecp256k1
  export default bindings
}
