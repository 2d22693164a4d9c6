import { recordDigest } from '../digest/digest.ts'
import { fromHex, toHex } from '../digest/hex.ts'
import { addressOf, type Address } from './address.ts'
import { merkleLeaf, merkleTree } from './merkle.ts'
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

export const signRecord = <Body extends SignedRecord>(
  signer: Signer,
  domain: SignatureDomain,
  record: Body,
): Signed<Body> => {
  const hash = recordSigningHash(domain, record.kind, fromHex(recordDigest(record)))
  return { record, signature: toHex(signer.sign(hash)) }
}

/** Signs many records with one signature; each can be checked alone. A batch of one gets a plain signature. */
export const signBatch = <Body extends SignedRecord>(
  signer: Signer,
  domain: SignatureDomain,
  records: readonly Body[],
): Signed<Body>[] => {
  const [only] = records
  if (only === undefined) return []
  if (records.length === 1) return [signRecord(signer, domain, only)]
  const { root, paths } = merkleTree(records.map((record) => merkleLeaf(record.kind, fromHex(recordDigest(record)))))
  const signature = toHex(signer.sign(batchSigningHash(domain, root)))
  const hexRoot = toHex(root)
  return records.map((record, index) => ({
    record,
    signature: { root: hexRoot, path: (paths[index] ?? []).map(toHex), signature },
  }))
}
