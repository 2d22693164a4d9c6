import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { hexSchema, type Hex } from '../digest/hex.ts'
import { idSchema } from '../id/id.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { merkleTree, merkleLeaf, type MerkleTree } from '../signature/merkle.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'
import { recordDigest } from '../digest/digest.ts'
import type { Commitment } from './commitment.ts'

/** All sealed bids that arrived in time, signed by the market before it sees a price: from then on none can be added or left out. */
export const closingSchema = z.strictObject({
  kind: z.literal('closing'),
  market: addressSchema,
  auction: idSchema('auction'),
  order: digestSchema,
  /** See `closingTree`. */
  root: hexSchema(32),
  count: z.int().min(1),
  closedAt: timeSchema,
  /** Bids that are not opened by then do not count. */
  revealBy: timeSchema,
})

export type Closing = z.output<typeof closingSchema>
export type SignedClosing = Signed<Closing>
export const signedClosingSchema = signedSchema(closingSchema)

/** The leaf of a commitment in a closing list. */
export const closingLeaf = (commitment: Commitment): Hex => merkleLeaf('commitment', recordDigest(commitment))

const bySeal = (a: Commitment, b: Commitment): number => {
  if (a.provider !== b.provider) return a.provider < b.provider ? -1 : 1
  return a.seal < b.seal ? -1 : a.seal > b.seal ? 1 : 0
}

/** The order of a closing list, which is no matter of who came first: by provider, then by seal. */
export const inClosingOrder = (commitments: readonly Commitment[]): Commitment[] => commitments.toSorted(bySeal)

/** The tree over at least one commitment; `paths` are in closing order. */
export const closingTree = (commitments: readonly Commitment[]): MerkleTree =>
  merkleTree(inClosingOrder(commitments).map(closingLeaf))
