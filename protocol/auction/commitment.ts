import { z } from 'zod'
import { digestOf, digestSchema, type Digest } from '../digest/digest.ts'
import { hexSchema, type Hex } from '../digest/hex.ts'
import { idSchema, type AuctionId } from '../id/id.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema, type Address } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** A sealed bid, signed by the provider: it binds to a reservation without saying its price. */
export const commitmentSchema = z.strictObject({
  kind: z.literal('commitment'),
  market: addressSchema,
  auction: idSchema('auction'),
  order: digestSchema,
  provider: addressSchema,
  /** See `sealOf`. */
  seal: digestSchema,
})

export type Commitment = z.output<typeof commitmentSchema>
export type SignedCommitment = Signed<Commitment>
export const signedCommitmentSchema = signedSchema(commitmentSchema)

export const saltSchema = hexSchema(32)

/** SHA-256 of the canonical CBOR of `{auction, order, provider, reservation, salt}`; `reservation` is the digest of the one that is bid. */
export const sealOf = (sealed: {
  readonly auction: AuctionId
  readonly order: Digest
  readonly provider: Address
  readonly reservation: Digest
  readonly salt: Hex
}): Digest => {
  const { auction, order, provider, reservation, salt } = sealed
  return digestOf({ auction, order, provider, reservation, salt })
}

/** The market's word that a sealed bid arrived in time: with a closing list that leaves it out, the proof of an exclusion. */
export const acknowledgementSchema = z.strictObject({
  kind: z.literal('acknowledgement'),
  market: addressSchema,
  auction: idSchema('auction'),
  /** Digest of the commitment. */
  commitment: digestSchema,
  at: timeSchema,
})

export type Acknowledgement = z.output<typeof acknowledgementSchema>
export type SignedAcknowledgement = Signed<Acknowledgement>
export const signedAcknowledgementSchema = signedSchema(acknowledgementSchema)
