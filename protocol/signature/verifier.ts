import { recordDigest } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { MusterError } from '../error/muster-error.ts'
import { addressOf, type Address } from './address.ts'
import { merkleLeaf, merkleRoot } from './merkle.ts'
import type { Secp256k1 } from './secp256k1.ts'
import type { Signed, SignedRecord } from './signed.ts'
import { batchSigningHash, recordSigningHash, type SignatureDomain } from './typed-data.ts'

/** Says who signed a record. Remembers the roots of recent batches, so that a batch costs one recovery. */
export interface Verifier {
  /** The signer's address, or `undefined` where the signature fits no key or the record names another market. */
  signerOf(domain: SignatureDomain, signed: Signed<SignedRecord>): Address | undefined
  /** Throws `signature_invalid` unless `expected` signed the record. */
  requireSigner(domain: SignatureDomain, signed: Signed<SignedRecord>, expected: Address): void
}

const rememberedRoots = 256

export const createVerifier = (secp256k1: Secp256k1): Verifier => {
  const roots = new Map<string, Address | undefined>()

  const recover = (hash: Uint8Array, signature: Hex): Address | undefined => {
    const publicKey = secp256k1.recover(hash, fromHex(signature))
    return publicKey === undefined ? undefined : addressOf(publicKey)
  }

  const recoverRoot = (domain: SignatureDomain, root: Uint8Array, signature: Hex): Address | undefined => {
    const key = `${domain.chainId}:${domain.market}:${toHex(root)}:${signature}`
    if (roots.has(key)) return roots.get(key)
    const address = recover(batchSigningHash(domain, root), signature)
    if (roots.size >= rememberedRoots) roots.delete(roots.keys().next().value ?? '')
    roots.set(key, address)
    return address
  }

  const signerOf: Verifier['signerOf'] = (domain, { record, signature }) => {
    if ('market' in record && record.market !== domain.market) return undefined
    const digest = fromHex(recordDigest(record))
    if (typeof signature === 'string') return recover(recordSigningHash(domain, record.kind, digest), signature)
    const root = merkleRoot(merkleLeaf(record.kind, digest), signature.path.map(fromHex))
    return toHex(root) === signature.root ? recoverRoot(domain, root, signature.signature) : undefined
  }

  return {
    signerOf,
    requireSigner: (domain, signed, expected) => {
      const found = signerOf(domain, signed)
      if (found === expected) return
      throw new MusterError({
        code: 'signature_invalid',
        message: `The signature of this ${signed.record.kind} is not by the key it should be by.`,
        facts: { kind: signed.record.kind, expected, found: found ?? 'no key' },
      })
    },
  }
}
