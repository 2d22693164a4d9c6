import { recordDigest } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { addressOf, type Address } from './address.ts'
import { leafText, merkleLeaf, merkleRootOf, merkleTree, type MerkleTree } from './merkle.ts'
import type { Secp256k1 } from './secp256k1.ts'
import type { Signed, SignedRecord } from './signed.ts'
import { batchSigningHash, recordSigningHash, type SignatureDomain } from './typed-data.ts'

/** A key that signs records. The private key stays inside. */
export interface Signer {
  readonly address: Address
  sign(hash: Uint8Array): Uint8Array
}

/** A signer over a private key of 32 bytes. */
export const createSigner = (secp256k1: Secp256k1, privateKey: Uint8Array): Signer => ({
  address: addressOf(secp256k1.publicKey(privateKey)),
  sign: (hash) => secp256k1.sign(hash, privateKey),
})

const sign = (signer: Signer, hash: Uint8Array): Hex => toHex(signer.sign(hash))

export const signRecord = <Body extends SignedRecord>(
  signer: Signer,
  domain: SignatureDomain,
  record: Body,
): Signed<Body> => {
  const hash = recordSigningHash(domain, record.kind, fromHex(recordDigest(record)))
  return { record, signature: sign(signer, hash) }
}

/** The tree over the digests of records. Throws `RangeError` where there are none. */
export const batchTree = (records: readonly SignedRecord[]): MerkleTree =>
  merkleTree(records.map((record) => merkleLeaf(record.kind, recordDigest(record))))

/** The root of `batchTree`, for who needs no paths. Throws `RangeError` where there are no records. */
export const batchRoot = (records: readonly SignedRecord[]): Hex =>
  merkleRootOf(records.map((record) => leafText(record.kind, recordDigest(record))))

/** Each record of a batch with what it needs to be checked alone. */
export const spreadSignature = <Body extends SignedRecord>(
  records: readonly Body[],
  { root, paths }: MerkleTree,
  signature: Hex,
): Signed<Body>[] =>
  records.length === 1
    ? records.map((record) => ({ record, signature }))
    : records.map((record, index) => ({ record, signature: { root, path: paths[index] ?? [], signature } }))

/** Signs many records with one signature; each can be checked alone. A batch of one gets a plain signature. */
export const signBatch = <Body extends SignedRecord>(
  signer: Signer,
  domain: SignatureDomain,
  records: readonly Body[],
): Signed<Body>[] => {
  const [only] = records
  if (only === undefined) return []
  if (records.length === 1) return [signRecord(signer, domain, only)]
  const tree = batchTree(records)
  return spreadSignature(records, tree, sign(signer, batchSigningHash(domain, fromHex(tree.root))))
}

/** The signature of `signBatch` alone, for a message that holds all the records: paths are found again from them. */
export const signTogether = (signer: Signer, domain: SignatureDomain, records: readonly SignedRecord[]): Hex => {
  const [only] = records
  if (only !== undefined && records.length === 1) {
    return sign(signer, recordSigningHash(domain, only.kind, fromHex(recordDigest(only))))
  }
  return sign(signer, batchSigningHash(domain, fromHex(batchRoot(records))))
}
