import { z } from 'zod'
import { textSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'

const countSchema = z.int().min(0).max(1_000_000_000)
/** How many times the program's median something took. One outlier is not to decide a record: it counts as ten times at most. */
const factorSchema = z.number().min(0.1).max(10).nullable()
const measuredMsSchema = z.number().min(0.01).max(1e12).nullable()

/** What was seen of a provider: of one lease when it closed, or of its refusals within a minute. */
export const observationSchema = z.strictObject({
  /** The lease, or a name of its own. Seen again, it is the same observation. */
  id: textSchema(120).min(1),
  provider: addressSchema,
  at: timeSchema,
  /** The program's CID, or the runtime where there is none; empty where nothing was run. */
  program: textSchema(120),
  honoured: countSchema,
  refused: countSchema,
  /** How long the lease was held. */
  exposureMs: z.int().min(0).max(1e12),
  outages: countSchema,
  /** Leases that it ended otherwise than their term allows; each is an outage, too. */
  breaches: countSchema.exactOptional(),
  succeeded: countSchema,
  /** By the provider's fault only. */
  failed: countSchema,
  matched: countSchema,
  mismatched: countSchema,
  /** Of one attempt on a slot; null where it could not be measured. */
  durationMs: measuredMsSchema,
  startMs: measuredMsSchema,
  durationFactor: factorSchema,
  startFactor: factorSchema,
})

export type Observation = z.output<typeof observationSchema>
