import { recordDigest } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { MusterError } from '../error/muster-error.ts'
import { addressOf, type Address } from './address.ts'
import { merkleLeaf, merkleNode } from './merkle.ts'
import type { Secp256k1 } from './secp256k1.ts'
import type { BatchSignature, Signed, SignedRecord } from './signed.ts'
import { batchSigningHash, recordSigningHash, type SignatureDomain } from './typed-data.ts'

/** Says who signed a record. Remembers the roots of recent batches, so that a batch costs one recovery. */
export interface Verifier {
  /** The signer's address, or `undefined` where the signature fits no key or the record names another market. */
  signerOf(domain: SignatureDomain, signed: Signed<SignedRecord>): Address | undefined
  /** Throws `signature_invalid` unless `expected` signed the record. */
  requireSigner(domain: SignatureDomain, signed: Signed<SignedRecord>, expected: Address): void
}

/** A root somebody signed, and the nodes below it that paths have led through, each with the rest of its path. */
interface KnownRoot {
  readonly signer: Address | undefined
  readonly nodes: Map<Hex, string>
}

const rememberedRoots = 64
const rememberedNodes = 16_384

const restOf = (path: readonly Hex[], from: number): string => path.slice(from).join('')

export const createVerifier = (secp256k1: Secp256k1): Verifier => {
  const roots = new Map<string, KnownRoot>()

  const recover = (hash: Uint8Array, signature: Hex): Address | undefined => {
    const publicKey = secp256k1.recover(hash, fromHex(signature))
    return publicKey === undefined ? undefined : addressOf(publicKey)
  }

  const knowRoot = (domain: SignatureDomain, { root, signature }: BatchSignature): KnownRoot => {
    const key = `${domain.chainId}:${domain.market}:${root}:${signature}`
    const known = roots.get(key)
    if (known !== undefined) return known
    const made = { signer: recover(batchSigningHash(domain, fromHex(root)), signature), nodes: new Map([[root, '']]) }
    if (roots.size >= rememberedRoots) roots.delete(roots.keys().next().value ?? '')
    roots.set(key, made)
    return made
  }

  /** Whether the path leads from the leaf to the root. It is followed until it meets one that was followed before. */
  const leadsTo = (leaf: Uint8Array, path: readonly Hex[], { nodes }: KnownRoot): boolean => {
    const passed: Hex[] = []
    let node = leaf
    for (let at = 0; ; at++) {
      const name = toHex(node)
      const rest = nodes.get(name)
      if (rest !== undefined) {
        if (rest !== restOf(path, at)) return false
        if (nodes.size < rememberedNodes) passed.forEach((below, index) => nodes.set(below, restOf(path, index)))
        return true
      }
      const sibling = path[at]
      if (sibling === undefined) return false
      passed.push(name)
      node = merkleNode(node, fromHex(sibling))
    }
  }

  const signerOf: Verifier['signerOf'] = (domain, { record, signature }) => {
    if ('market' in record && record.market !== domain.market) return undefined
    const digest = fromHex(recordDigest(record))
    if (typeof signature === 'string') return recover(recordSigningHash(domain, record.kind, digest), signature)
    const known = knowRoot(domain, signature)
    if (known.signer === undefined) return undefined
    return leadsTo(merkleLeaf(record.kind, digest), signature.path, known) ? known.signer : undefined
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
