import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { priceSchema } from '../money/price.ts'
import { signedOrderSchema } from '../order/order.ts'
import { signedReservationSchema } from '../reservation/reservation.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signatureSchema, signedSchema, type Signed } from '../signature/signed.ts'
import { signedClosingSchema } from './closing.ts'
import { saltSchema, type Commitment } from './commitment.ts'
import { scoresSchema } from './scores.ts'

/** Agents that are asked for a sealed bid at most, those with the cheapest standing offers first. */
export const mostBidders = 2_048

/** What opens a sealed bid. */
export const revealSchema = z.strictObject({ reservation: signedReservationSchema, salt: saltSchema })
export type Reveal = z.output<typeof revealSchema>

/** A commitment without what all of an auction have in common. */
const sealedFields = { provider: addressSchema, seal: digestSchema, signature: signatureSchema }
const lateBidSchema = z.strictObject(sealedFields)

const sealedBidSchema = z.strictObject({ ...sealedFields, reveal: revealSchema.nullable() })
export type SealedBid = z.output<typeof sealedBidSchema>

/** Why a bid does not count. */
export const bidRefusals = [
  'late',
  'duplicate',
  'unrevealed',
  'does-not-open',
  'other-provider',
  'other-market',
  'other-order',
  'other-unit',
  'below-zero',
  'above-ceiling',
  'expired',
  'does-not-fit',
] as const
export type BidRefusal = (typeof bidRefusals)[number]

const sealedAwardSchema = z.strictObject({
  winners: z
    .array(
      z.strictObject({
        provider: addressSchema,
        /** Digest of the reservation. */
        reservation: digestSchema,
        slots: z.int().min(1).max(10_000),
        price: priceSchema,
      }),
    )
    .max(mostBidders),
  refused: z.array(z.strictObject({ provider: addressSchema, reason: z.enum(bidRefusals) })).max(2 * mostBidders),
})
export type SealedAward = z.output<typeof sealedAwardSchema>

/** All of a sealed auction, signed by the market: whoever reads it can run the rule again. */
export const transcriptSchema = z.strictObject({
  kind: z.literal('transcript'),
  market: addressSchema,
  auction: idSchema('auction'),
  job: idSchema('job'),
  order: signedOrderSchema,
  /** Slots the job still wanted. */
  wanted: z.int().min(1).max(10_000),
  /** Agents that were asked for a bid. */
  solicited: z.int().min(1).max(mostBidders),
  openedAt: timeSchema,
  closing: signedClosingSchema,
  /** In closing order. */
  bids: z.array(sealedBidSchema).min(1).max(mostBidders),
  /** Sealed bids that came after the close; they are in no list. */
  late: z.array(lateBidSchema).max(mostBidders),
  /** What `award: effective` rests on; null for `lowest`. */
  scores: scoresSchema.nullable(),
  award: sealedAwardSchema,
  awardedAt: timeSchema,
})

export type Transcript = z.output<typeof transcriptSchema>
export type SignedTranscript = Signed<Transcript>
export const signedTranscriptSchema = signedSchema(transcriptSchema)

/** The commitment that a bid of a transcript stands for. */
export const commitmentOf = (
  closing: Pick<Transcript['closing']['record'], 'market' | 'auction' | 'order'>,
  { provider, seal }: Pick<SealedBid, 'provider' | 'seal'>,
): Commitment => ({
  kind: 'commitment',
  market: closing.market,
  auction: closing.auction,
  order: closing.order,
  provider,
  seal,
})
