import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { priceSchema } from '../money/price.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signatureSchema } from '../signature/signed.ts'

/** Amendments that one lease may have. */
export const mostAmendments = 1_000

/**
 * What a lease is from now on: longer, or of fewer slots, at its price. Signed by the provider, who promises it, and by the
 * market, which takes it.
 */
export const amendmentSchema = z.strictObject({
  kind: z.literal('amendment'),
  market: addressSchema,
  provider: addressSchema,
  job: idSchema('job'),
  /** Digest of the lease. */
  lease: digestSchema,
  /** From 1, one higher than that of the amendment before. */
  number: z.int().min(1).max(mostAmendments),
  slots: z.int().min(1).max(10_000),
  /** In place of the lease's `paidUntil`. */
  until: timeSchema,
  price: priceSchema,
  issuedAt: timeSchema,
})
export type Amendment = z.output<typeof amendmentSchema>

/** An amendment as both sides signed it. */
export const agreedAmendmentSchema = z.strictObject({
  record: amendmentSchema,
  provider: signatureSchema,
  market: signatureSchema,
})
export type AgreedAmendment = z.output<typeof agreedAmendmentSchema>
