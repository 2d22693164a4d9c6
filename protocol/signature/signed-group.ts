import { z } from 'zod'
import { hexSchema, type Hex } from '../digest/hex.ts'
import { signatureSchema, type Signature, type Signed, type SignedRecord } from './signed.ts'
import { batchTree, signTogether, spreadSignature, type Signer } from './signer.ts'
import type { SignatureDomain } from './typed-data.ts'

/**
 * Signed records that are kept or sent together. Either one signature was made over exactly these, by `signTogether`, and
 * their paths are left out since they are found again from the records; or each has a signature of its own.
 */
export type SignedGroup<Body extends SignedRecord> =
  | { readonly records: readonly Body[]; readonly signature: Hex }
  | { readonly records: readonly Body[]; readonly signatures: readonly Signature[] }

export const signedGroupSchema = <Schema extends z.ZodType<SignedRecord>>(record: Schema) =>
  z.union([
    z.strictObject({ records: z.array(record).min(1), signature: hexSchema(65) }),
    z
      .strictObject({ records: z.array(record).min(1), signatures: z.array(signatureSchema) })
      .refine(({ records, signatures }) => records.length === signatures.length, {
        error: 'expected a signature for each record',
      }),
  ])

/** Signs at least one record as a group. */
export const signGroup = <Body extends SignedRecord>(
  signer: Signer,
  domain: SignatureDomain,
  records: readonly Body[],
): SignedGroup<Body> => ({ records, signature: signTogether(signer, domain, records) })

const spread = new WeakMap<object, readonly Signed<SignedRecord>[]>()

/** Each record of a group with what it needs to be checked alone. The paths of a group are worked out once. */
export const spreadGroup = <Body extends SignedRecord>(group: SignedGroup<Body>): readonly Signed<Body>[] => {
  const known = spread.get(group) as readonly Signed<Body>[] | undefined
  if (known !== undefined) return known
  const signed =
    'signature' in group
      ? spreadSignature(group.records, batchTree(group.records), group.signature)
      : group.records.map((record, index) => {
          const signature = group.signatures[index]
          if (signature === undefined) throw new RangeError('a record of the group has no signature')
          return { record, signature }
        })
  spread.set(group, signed)
  return signed
}

/** Some records of a group, in their order, as a group of their own. The whole group is the group itself. */
export const pickFromGroup = <Body extends SignedRecord>(
  group: SignedGroup<Body>,
  isWanted: (record: Body, index: number) => boolean,
): SignedGroup<Body> | undefined => {
  const wanted = group.records.map(isWanted)
  if (wanted.every(Boolean)) return group
  const picked = spreadGroup(group).filter((_, index) => wanted[index])
  if (picked.length === 0) return undefined
  return { records: picked.map(({ record }) => record), signatures: picked.map(({ signature }) => signature) }
}
