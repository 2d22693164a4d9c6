import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { nonNegativeNanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { runtimeKindSchema, resourcesSchema, timeSchema } from '../resource/resources.ts'
import { soldSlotSchema } from '../resource/slot-kind.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'
import { leaseTermSchema } from './lease-term.ts'

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
  /** What kind of slot was sold, and where; absent where the market does not say. */
  sold: soldSlotSchema.exactOptional(),
  price: priceSchema,
  /** The sealed auction that set the price, and the digest of its transcript; left out, the price is the reservation's. */
  auction: z.strictObject({ id: idSchema('auction'), transcript: digestSchema }).exactOptional(),
  /** What the provider loses if it is proven to have lied under this lease. */
  bond: nonNegativeNanoUsdSchema,
  startsAt: timeSchema,
  paidUntil: timeSchema,
  /** As reserved. */
  term: leaseTermSchema.exactOptional(),
})

export type Lease = z.output<typeof leaseSchema>
export type SignedLease = Signed<Lease>
export const signedLeaseSchema = signedSchema(leaseSchema)
