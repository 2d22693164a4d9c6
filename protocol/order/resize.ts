import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** Resizes that one job may have. */
export const mostResizes = 1_000

/** How many slots an order asks for from now on, in place of its own `slots`. Signed by whoever signed the order. */
export const resizeSchema = z.strictObject({
  kind: z.literal('resize'),
  market: addressSchema,
  tenant: idSchema('tenant'),
  /** Digest of the order. */
  order: digestSchema,
  /** From 1, one higher than that of the resize before. */
  number: z.int().min(1).max(mostResizes),
  slots: z.int().min(1).max(10_000),
  issuedAt: timeSchema,
})
export type Resize = z.output<typeof resizeSchema>
export type SignedResize = Signed<Resize>
export const signedResizeSchema = signedSchema(resizeSchema)
