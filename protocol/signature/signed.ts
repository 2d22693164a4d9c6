import { z } from 'zod'
import { hexSchema, type Hex } from '../digest/hex.ts'

/** A signature over one record, or over the Merkle root of a batch with the record's path in it. */
export type Signature = Hex | BatchSignature

export interface BatchSignature {
  readonly root: Hex
  readonly path: readonly Hex[]
  readonly signature: Hex
}

/** 2^24 records to a batch at most. */
export const maxPathLength = 24

const pathSchema: z.ZodType<readonly Hex[], string[]> = z.array(hexSchema(32)).max(maxPathLength)

export const signatureSchema = z.union([
  hexSchema(65),
  z.strictObject({ root: hexSchema(32), path: pathSchema, signature: hexSchema(65) }),
])

/** What every record starts with: its kind, and the market it is meant for. */
export interface SignedRecord {
  readonly kind: string
}

export interface Signed<Body extends SignedRecord> {
  readonly record: Body
  readonly signature: Signature
}

export const signedSchema = <Schema extends z.ZodType<SignedRecord>>(record: Schema) =>
  z.strictObject({ record, signature: signatureSchema })
