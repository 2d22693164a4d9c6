import { createSigner, createVerifier, digestBytes, loadSecp256k1, type Signer } from '@muster/protocol'

export const secp256k1 = await loadSecp256k1()
export const verifier = createVerifier(secp256k1)
export const chainId = 31_337

const signers = new Map<string, Signer>()

/** The key of this name: the same in every run, made once. */
export const signerOf = (name: string): Signer => {
  const known = signers.get(name) ?? createSigner(secp256k1, digestBytes(new TextEncoder().encode(`simulated ${name}`)))
  signers.set(name, known)
  return known
}
