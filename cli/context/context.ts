import { addressSchema, marketUrlSchema } from '@muster/protocol'
import { z } from 'zod'

const marketSchema = z.object({
  url: marketUrlSchema,
  apiKey: z.string().min(1).optional(),
  /** Bearer key of the market's operator. */
  adminKey: z.string().min(1).optional(),
  /** What receipts are held against. */
  market: addressSchema.optional(),
  tenant: addressSchema.optional(),
  chainId: z.int().optional(),
})

/**
 * Which market to talk to and as whom: what `muster up` leaves behind, so that no flag is needed on this machine. Others beside it are
 * markets that jobs may go to as well.
 */
export const contextSchema = marketSchema.extend({ others: z.array(marketSchema).max(63).optional() })

/** One market of a context. */
export type MarketContext = z.output<typeof marketSchema>
export type Context = z.output<typeof contextSchema>

export const contextFile = 'context.json'
