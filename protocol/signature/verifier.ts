import { recordDigest } from '../digest/digest.ts'
import { fromHex, type Hex } from '../digest/hex.ts'
import { MusterError } from '../error/muster-error.ts'
import { addressOf, type Address } from './address.ts'
import { merkleLeaf, merkleNode } from './merkle.ts'
import type { Secp256k1 } from './secp256k1.ts'
import type { BatchSignature, Signed, SignedRecord } from './signed.ts'
import { batchRoot } from './signer.ts'
import { batchSigningHash, recordSigningHash, type SignatureDomain } from './typed-data.ts'

/** Says who signed a record. Remembers the roots of recent batches, so that a batch costs one recovery. */
export interface Verifier {
  /** The signer's address, or `undefined` where the signature fits no key or the record names another market. */
  signerOf(domain: SignatureDomain, signed: Signed<SignedRecord>): Address | undefined
  /** Throws `signature_invalid` unless `expected` signed the record. */
  requireSigner(domain: SignatureDomain, signed: Signed<SignedRecord>, expected: Address): void
  /**
   * Takes at least one record that came under one signature. Throws `signature_invalid` unless `expected` signed them
   * all, together and for this market.
   */
  requireBatch(domain: SignatureDomain, records: readonly SignedRecord[], signature: Hex, expected: Address): void
}

/** The way up from a node that a path has led through. */
interface Step {
  readonly sibling: Hex
  readonly parent: Hex
}

/** A root somebody signed, and the nodes below it that paths have led through. */
interface KnownRoot {
  readonly root: Hex
  readonly signer: Address | undefined
  readonly steps: Map<Hex, Step>
}

const rememberedRoots = 64
/** Over all roots together: senders choose how deep their paths are. */
const rememberedSteps = 16_384

const isElsewhere = (domain: SignatureDomain, record: SignedRecord): boolean =>
  'market' in record && record.market !== domain.market

const signatureInvalid = (kind: string, expected: Address, found: Address | undefined): MusterError =>
  new MusterError({
    code: 'signature_invalid',
    message: `The signature of this ${kind} is not by the key it should be by.`,
    facts: { kind, expected, found: found ?? 'no key' },
  })

export const createVerifier = (secp256k1: Secp256k1): Verifier => {
  const roots = new Map<string, KnownRoot>()
  let stepCount = 0

  const forgetOldest = (): void => {
    const [oldest] = roots
    if (oldest === undefined) return
    roots.delete(oldest[0])
    stepCount -= oldest[1].steps.size
  }

  const recover = (hash: Uint8Array, signature: Hex): Address | undefined => {
    const publicKey = secp256k1.recover(hash, fromHex(signature))
    return publicKey === undefined ? undefined : addressOf(publicKey)
  }

  const knowRoot = (domain: SignatureDomain, { root, signature }: BatchSignature): KnownRoot => {
    const key = `${domain.chainId}:${domain.market}:${root}:${signature}`
    const known = roots.get(key)
    if (known !== undefined) return known
    const made = { root, signer: recover(batchSigningHash(domain, fromHex(root)), signature), steps: new Map() }
    if (roots.size >= rememberedRoots) forgetOldest()
    roots.set(key, made)
    return made
  }

  const remember = (known: KnownRoot, passed: readonly (readonly [Hex, Step])[]): void => {
    // A root that was forgotten meanwhile counts no more.
    while (stepCount + passed.length > rememberedSteps && roots.values().next().value !== known) forgetOldest()
    if (stepCount + passed.length > rememberedSteps) return
    for (const [node, step] of passed) {
      if (known.steps.has(node)) continue
      known.steps.set(node, step)
      stepCount++
    }
  }

  /** Whether the path leads from the leaf to the root. Where one led before, it is followed without hashing. */
  const leadsTo = (leaf: Hex, path: readonly Hex[], known: KnownRoot): boolean => {
    const passed: (readonly [Hex, Step])[] = []
    let node = leaf
    for (const sibling of path) {
      const step = known.steps.get(node)
      if (step?.sibling === sibling) {
        node = step.parent
        continue
      }
      const parent = merkleNode(node, sibling)
      passed.push([node, { sibling, parent }])
      node = parent
    }
    if (node !== known.root) return false
    if (passed.length > 0) remember(known, passed)
    return true
  }

  const signerOf: Verifier['signerOf'] = (domain, { record, signature }) => {
    if (isElsewhere(domain, record)) return undefined
    const digest = recordDigest(record)
    if (typeof signature === 'string')
      return recover(recordSigningHash(domain, record.kind, fromHex(digest)), signature)
    const known = knowRoot(domain, signature)
    if (known.signer === undefined) return undefined
    return leadsTo(merkleLeaf(record.kind, digest), signature.path, known) ? known.signer : undefined
  }

  const requireSigner: Verifier['requireSigner'] = (domain, signed, expected) => {
    const found = signerOf(domain, signed)
    if (found !== expected) throw signatureInvalid(signed.record.kind, expected, found)
  }

  return {
    signerOf,
    requireSigner,
    requireBatch: (domain, records, signature, expected) => {
      const [first] = records
      if (first === undefined) throw new RangeError('a batch has at least one record')
      if (records.length === 1) return requireSigner(domain, { record: first, signature }, expected)
      const found = records.some((record) => isElsewhere(domain, record))
        ? undefined
        : recover(batchSigningHash(domain, fromHex(batchRoot(records))), signature)
      if (found !== expected) throw signatureInvalid(first.kind, expected, found)
    },
  }
}
