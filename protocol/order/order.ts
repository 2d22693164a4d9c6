import { z } from 'zod'
import { auctionTermsSchema } from '../auction/auction-terms.ts'
import { digestSchema } from '../digest/digest.ts'
import { hexSchema } from '../digest/hex.ts'
import { idSchema } from '../id/id.ts'
import { leaseDemandSchema } from '../lease/lease-term.ts'
import { nonNegativeNanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { resourceDemandSchema } from '../resource/resource-demand.ts'
import { attributesSchema, nameSchema, runtimeKindSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** Auditors whose attestation is wanted, over every attribute the order asks for; an empty list asks for none. */
const signedBySchema = z.strictObject({
  anyOf: z.array(addressSchema).max(32).default([]),
  allOf: z.array(addressSchema).max(32).default([]),
})

/** Where work may run; an empty list, or one that is absent, allows everything. */
export const placementSchema = z.strictObject({
  regions: z.array(nameSchema).max(64).default([]),
  countries: z
    .array(z.string().regex(/^[A-Z]{2}$/, { error: 'expected an ISO 3166 country of two capitals' }))
    .max(64)
    .default([]),
  providers: z.array(addressSchema).max(256).default([]),
  excludeProviders: z.array(addressSchema).max(256).default([]),
  attributes: attributesSchema.default({}),
  operators: z.array(nameSchema).max(64).exactOptional(),
  signedBy: signedBySchema.exactOptional(),
})

export type Placement = z.output<typeof placementSchema>

/** How the winner is chosen. `lowest`: the lowest price that meets the order. `effective`: the least expected cost of a finished unit. */
export const awardSchema = z.enum(['lowest', 'effective'])

/** The demand side of one auction, signed by the tenant's key, or by the market for a tenant whose key it keeps. */
export const orderSchema = z.strictObject({
  kind: z.literal('order'),
  id: idSchema('order'),
  market: addressSchema,
  tenant: idSchema('tenant'),
  /** Who holds the key this order is signed with. */
  custody: z.enum(['tenant', 'market']),
  /** Digest of the job's spec. */
  job: digestSchema,
  slots: z.int().min(1).max(10_000),
  /** Per slot. */
  resources: resourceDemandSchema,
  runtime: runtimeKindSchema,
  placement: placementSchema,
  award: awardSchema,
  /** By sealed bids; left out, standing offers answer it at once. */
  auction: auctionTermsSchema.exactOptional(),
  /** Left out: on demand, as long as the market's leases last. */
  lease: leaseDemandSchema.exactOptional(),
  /** The dearest price accepted; offers in another unit do not fit. */
  maxPrice: priceSchema,
  /** The most the whole job may cost: what is put in escrow. */
  ceiling: nonNegativeNanoUsdSchema,
  nonce: hexSchema(16),
  issuedAt: timeSchema,
  expiresAt: timeSchema,
})

export type Order = z.output<typeof orderSchema>
export type SignedOrder = Signed<Order>
export const signedOrderSchema = signedSchema(orderSchema)
