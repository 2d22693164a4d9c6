import {
  createSigner,
  createVerifier,
  digestBytes,
  loadSecp256k1,
  type Secp256k1,
  type Signer,
  type Verifier,
} from '@muster/protocol'
import { sealSecp256k1 } from './seal-secp256k1.ts'

export const chainId = 31_337

/** The keys of everybody in a run, by name: the same in every run, made once. */
export interface Keys {
  readonly secp256k1: Secp256k1
  readonly verifier: Verifier
  signerOf(name: string): Signer
}

const createKeys = (secp256k1: Secp256k1): Keys => {
  const signers = new Map<string, Signer>()
  return {
    secp256k1,
    verifier: createVerifier(secp256k1),
    signerOf: (name) => {
      const known =
        signers.get(name) ?? createSigner(secp256k1, digestBytes(new TextEncoder().encode(`simulated ${name}`)))
      signers.set(name, known)
      return known
    },
  }
}

const curve = await loadSecp256k1()

/** Keys whose signatures are those of the real network. */
export const realKeys = createKeys(curve)
/** The same keys with signatures that cost nothing. */
export const sealedKeys = createKeys(sealSecp256k1(curve))
