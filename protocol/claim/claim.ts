import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { attemptIdSchema } from '../id/task-id.ts'
import { textSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

export const blobNameSchema = textSchema(256).min(1, { error: 'expected a name' })

/** A named blob: an input or output of a task. */
export const namedBlobSchema = z.strictObject({ name: blobNameSchema, cid: cidSchema })
export type NamedBlob = z.output<typeof namedBlobSchema>

/** An output as the manifest of a program declares it: `dims` is null where any rank will do. */
export interface DeclaredOutput {
  readonly name: string
  readonly dtype: string
  readonly dims: readonly (number | string)[] | null
}

/** What the agent measured. Prices that count time use `slotMs`. */
export const meterSchema = z.strictObject({
  slotMs: z
    .int()
    .min(0)
    .max(2 ** 48),
  cpuMs: z
    .int()
    .min(0)
    .max(2 ** 48),
  peakMemoryBytes: z
    .int()
    .min(0)
    .max(2 ** 50),
})

export type Meter = z.output<typeof meterSchema>

/** A provider's signed statement of what came out of an attempt. The attempt's id ends in its fence. */
export const claimSchema = z.strictObject({
  kind: z.literal('claim'),
  market: addressSchema,
  provider: addressSchema,
  lease: idSchema('lease'),
  attempt: attemptIdSchema,
  program: cidSchema.nullable(),
  /** Digest of the exec spec it ran under; empty where the runtime has none. */
  execSpec: z.union([digestSchema, z.literal('')]),
  /** Digest of the task's inputs: the sorted list of `{name, cid}`. */
  inputs: digestSchema,
  outputs: z.array(namedBlobSchema).max(64),
  meter: meterSchema,
  startedAt: timeSchema,
  endedAt: timeSchema,
})

export type Claim = z.output<typeof claimSchema>
export type SignedClaim = Signed<Claim>
export const signedClaimSchema = signedSchema(claimSchema)
