import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { attemptIdSchema } from '../id/task-id.ts'
import { nanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** What a bill line rests on, signed by the market: an accepted claim at the lease's price. Never edited; reversed by another. */
export const receiptSchema = z.strictObject({
  kind: z.literal('receipt'),
  id: idSchema('receipt'),
  market: addressSchema,
  provider: addressSchema,
  tenant: idSchema('tenant'),
  lease: digestSchema,
  claim: digestSchema,
  attempt: attemptIdSchema,
  price: priceSchema,
  /** Operators of the program; what an `operator` price is multiplied by. */
  operators: z.int().min(0).max(10_000_000),
  slotMs: z
    .int()
    .min(0)
    .max(2 ** 48),
  /** Negative on a receipt that reverses another. */
  amount: nanoUsdSchema,
  reverses: idSchema('receipt').nullable(),
  issuedAt: timeSchema,
})

export type Receipt = z.output<typeof receiptSchema>
export type SignedReceipt = Signed<Receipt>
export const signedReceiptSchema = signedSchema(receiptSchema)
