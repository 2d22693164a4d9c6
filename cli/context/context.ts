import { addressSchema } from '@muster/protocol'
import { z } from 'zod'

/** Which market to talk to and as whom: what `muster up` leaves behind, so that no flag is needed on this machine. */
export const contextSchema = z.object({
  url: z.url({ protocol: /^https?$/, error: 'expected a URL such as http://127.0.0.1:7600' }),
  apiKey: z.string().min(1).optional(),
  /** Bearer key of the market's operator. */
  adminKey: z.string().min(1).optional(),
  /** What receipts are held against. */
  market: addressSchema.optional(),
  tenant: addressSchema.optional(),
  chainId: z.int().optional(),
})

export type Context = z.output<typeof contextSchema>

export const contextFile = 'context.json'
