import { z } from 'zod'
import { idSchema } from '../id/id.ts'
import { offerTermSchema } from '../lease/lease-term.ts'
import { maintenanceSchema, mostMaintenance } from '../lease/maintenance.ts'
import { priceSchema } from '../money/price.ts'
import {
  attributesSchema,
  gflopsSchema,
  gpuSchema,
  nameSchema,
  networkSchema,
  resourcesSchema,
  runtimeKindSchema,
  textSchema,
  timeSchema,
} from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'
import { signedAttestationSchema } from './attestation.ts'

/** A provider's standing price for a kind of slot. It fixes a price and reserves nothing. Signed by the provider. */
export const offerSchema = z.strictObject({
  kind: z.literal('offer'),
  id: idSchema('offer'),
  market: addressSchema,
  provider: addressSchema,
  /** Per slot. */
  resources: resourcesSchema,
  /** Slots of this kind free when the offer was made; the agent's answer to `reserve` is what counts. */
  slots: z.int().min(0).max(100_000),
  runtimes: z.array(runtimeKindSchema).min(1).max(8),
  /** Digest of the exec spec its `graph` runtime is pinned to. */
  execSpec: textSchema(80),
  gpus: z.array(gpuSchema).max(64),
  region: nameSchema,
  country: z.string().regex(/^[A-Z]{2}$/, { error: 'expected an ISO 3166 country of two capitals' }),
  attributes: attributesSchema,
  /** Of the machine, as the provider says; absent where it does not. */
  network: networkSchema.exactOptional(),
  /** What a slot computes in the pinned runtime, in whole GFLOP/s, as the provider says; its market measures it. */
  gflops: gflopsSchema.exactOptional(),
  /** Who runs the machine: the same for all providers of one house. */
  operator: nameSchema.exactOptional(),
  /** What auditors say of the provider. */
  attestations: z.array(signedAttestationSchema).max(8).exactOptional(),
  /** The leases it is for. */
  term: offerTermSchema.exactOptional(),
  /** When the machine is not to be had. */
  maintenance: z.array(maintenanceSchema).max(mostMaintenance).exactOptional(),
  price: priceSchema,
  issuedAt: timeSchema,
  expiresAt: timeSchema,
})

export type Offer = z.output<typeof offerSchema>
export type SignedOffer = Signed<Offer>
export const signedOfferSchema = signedSchema(offerSchema)
