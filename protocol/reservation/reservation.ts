import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { leaseTermSchema } from '../lease/lease-term.ts'
import { priceSchema } from '../money/price.ts'
import { resourcesSchema, textSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** The agent's binding answer to an order, signed by the provider: the bid. It holds the slots until `expiresAt`. */
export const reservationSchema = z.strictObject({
  kind: z.literal('reservation'),
  id: idSchema('reservation'),
  market: addressSchema,
  provider: addressSchema,
  order: digestSchema,
  offer: idSchema('offer'),
  slots: z.int().min(1).max(10_000),
  /** Per slot. */
  resources: resourcesSchema,
  /** UUIDs of the GPUs held, over all slots. */
  gpus: z.array(textSchema(80)).max(1024),
  price: priceSchema,
  /** Absent where neither order nor offer speaks of one. */
  term: leaseTermSchema.exactOptional(),
  issuedAt: timeSchema,
  expiresAt: timeSchema,
})

export type Reservation = z.output<typeof reservationSchema>
export type SignedReservation = Signed<Reservation>
export const signedReservationSchema = signedSchema(reservationSchema)
