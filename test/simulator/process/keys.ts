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

/** The keys of everybody in a run, by name: the same in every run. */
export interface Keys {
  readonly secp256k1: Secp256k1
  readonly verifier: Verifier
  signerOf(name: string): Signer
}

const createKeyring = (secp256k1: Secp256k1) => {
  const signers = new Map<string, Signer>()
  return (name: string): Signer => {
    const known =
      signers.get(name) ?? createSigner(secp256k1, digestBytes(new TextEncoder().encode(`simulated ${name}`)))
    signers.set(name, known)
    return known
  }
}

const curve = await loadSecp256k1()
const sealed = sealSecp256k1(curve)
const signerOfCurve = createKeyring(curve)
const signerOfSeal = createKeyring(sealed)

/** Keys for a run that begins: with the signatures of the real network, or the same keys with signatures that cost nothing. */
export const beginKeys = (isReal: boolean): Keys => {
  const secp256k1 = isReal ? curve : sealed
  return { secp256k1, verifier: createVerifier(secp256k1), signerOf: isReal ? signerOfCurve : signerOfSeal }
}
