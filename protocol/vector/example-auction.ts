import { awardSealed } from '../auction/award-sealed.ts'
import { closingTree, inClosingOrder, type Closing } from '../auction/closing.ts'
import { sealOf, type Acknowledgement, type Commitment } from '../auction/commitment.ts'
import type { SealedBid, Transcript } from '../auction/transcript.ts'
import { digestOf } from '../digest/digest.ts'
import { toHex } from '../digest/hex.ts'
import { parseId } from '../id/id.ts'
import type { Order } from '../order/order.ts'
import type { Reservation } from '../reservation/reservation.ts'
import { nobleSecp256k1 } from '../signature/secp256k1.ts'
import { createSigner, signRecord, type Signer } from '../signature/signer.ts'
import { exampleDomain, exampleOrder, exampleReservation, exampleSigners } from './example-records.ts'

const { market } = exampleDomain
const auction = parseId('auction', 'auc_01K5KRN0M0ABCDEFGHJKMNPQS0')
const openedAt = exampleOrder.issuedAt + 100
const closedAt = openedAt + 200

export const exampleRival: Signer = createSigner(nobleSecp256k1, new Uint8Array(32).fill(0x77))

const order: Order = { ...exampleOrder, slots: 1, auction: { windowMs: 200, pricing: 'second-price' } }
const orderDigest = digestOf(order)

const bidOf = (signer: Signer, nanoUsd: bigint, fill: number, id: string): SealedBid & { commitment: Commitment } => {
  const provider = signer.address
  const record: Reservation = {
    ...exampleReservation,
    id: parseId('reservation', id),
    provider,
    order: orderDigest,
    slots: 1,
    price: { nanoUsd, per: order.maxPrice.per },
    issuedAt: openedAt + 10,
    expiresAt: closedAt + 13_000,
  }
  const salt = toHex(new Uint8Array(32).fill(fill))
  const seal = sealOf({ auction, order: orderDigest, provider, reservation: digestOf(record), salt })
  const commitment: Commitment = { kind: 'commitment', market, auction, order: orderDigest, provider, seal }
  const { signature } = signRecord(signer, exampleDomain, commitment)
  const reservation = signRecord(signer, exampleDomain, record)
  return { provider, seal, signature, reveal: { reservation, salt }, commitment }
}

const made = [
  bidOf(exampleSigners.provider, 125n, 0x01, 'rsv_01K5KRN0M0ABCDEFGHJKMNPQS1'),
  bidOf(exampleRival, 140n, 0x02, 'rsv_01K5KRN0M0ABCDEFGHJKMNPQS2'),
]
const [first] = made
if (first === undefined) throw new RangeError('the example has two bids')

export const exampleCommitment: Commitment = first.commitment

export const exampleAcknowledgement: Acknowledgement = {
  kind: 'acknowledgement',
  market,
  auction,
  commitment: digestOf(exampleCommitment),
  at: openedAt + 15,
}

export const exampleClosing: Closing = {
  kind: 'closing',
  market,
  auction,
  order: orderDigest,
  root: closingTree(made.map(({ commitment }) => commitment)).root,
  count: made.length,
  closedAt,
  revealBy: closedAt + 3_000,
}

const bids: SealedBid[] = inClosingOrder(made.map(({ commitment }) => commitment)).flatMap(({ provider: of }) =>
  made.flatMap(({ provider, seal, signature, reveal }) =>
    provider === of ? [{ provider, seal, signature, reveal }] : [],
  ),
)

const decided = { wanted: 1, bids, late: [], scores: null, awardedAt: closedAt + 30 }

export const exampleTranscript: Transcript = {
  kind: 'transcript',
  market,
  auction,
  job: parseId('job', `job_${order.id.slice(4)}`),
  order: signRecord(exampleSigners.tenant, exampleDomain, order),
  solicited: 3,
  openedAt,
  closing: signRecord(exampleSigners.market, exampleDomain, exampleClosing),
  ...decided,
  award: awardSealed({ ...decided, order, closing: exampleClosing }),
}
