import { z } from 'zod'
import { hexSchema } from '../digest/hex.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** The last epoch a link may have. */
export const maxEpoch = 2 ** 48

/** An agent's clock may differ from the market's by this much; past it the link is refused with `clock_skewed`. */
export const maxClockSkewMs = 60_000

/** What an agent signs to open a socket: the market's challenge, the TLS session and its epoch. */
export const linkHelloSchema = z.strictObject({
  kind: z.literal('link'),
  market: addressSchema,
  provider: addressSchema,
  /** Given by the market, used once. */
  challenge: hexSchema(32),
  socket: z.enum(['control', 'data']),
  epoch: z.int().min(1).max(maxEpoch),
  /** Digest of the TLS session's exported key material; empty on a connection without TLS. */
  tlsBinding: z.union([hexSchema(32), z.literal('')]),
  at: timeSchema,
})

export type LinkHello = z.output<typeof linkHelloSchema>
export type SignedLinkHello = Signed<LinkHello>
export const signedLinkHelloSchema = signedSchema(linkHelloSchema)
