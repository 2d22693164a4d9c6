import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { nonNegativeNanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { runtimeKindSchema, resourcesSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** The award, signed by the market: this provider, this price, these slots, until `paidUntil`. */
export const leaseSchema = z.strictObject({
  kind: z.literal('lease'),
  id: idSchema('lease'),
  market: addressSchema,
  provider: addressSchema,
  tenant: idSchema('tenant'),
  job: idSchema('job'),
  order: digestSchema,
  reservation: digestSchema,
  slots: z.int().min(1).max(10_000),
  /** Per slot. */
  resources: resourcesSchema,
  runtime: runtimeKindSchema,
  price: priceSchema,
  /** What the provider loses if it is proven to have lied under this lease. */
  bond: nonNegativeNanoUsdSchema,
  startsAt: timeSchema,
  paidUntil: timeSchema,
})

export type Lease = z.output<typeof leaseSchema>
export type SignedLease = Signed<Lease>
export const signedLeaseSchema = signedSchema(leaseSchema)
