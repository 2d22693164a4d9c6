import { digestOf, type Digest } from '../digest/digest.ts'
import type { Lease } from '../lease/lease.ts'
import { formatUsd } from '../money/money.ts'
import type { Price } from '../money/price.ts'
import { awardSealed } from './award-sealed.ts'
import type { SealedAward, Transcript } from './transcript.ts'
import type { TranscriptCheck } from './verify-transcript.ts'

const sayPart = (part: { readonly slots: number; readonly price: Price } | undefined): string =>
  part === undefined ? 'nothing' : `${part.slots} at ${formatUsd(part.price.nanoUsd)} per ${part.price.per}`

/** What the rule gives a reservation that was bid, whatever the market made of it: slots and their price, or nothing. */
const dueTo = (transcript: Transcript, reservation: Digest): SealedAward['winners'][number] | undefined =>
  awardSealed({ ...transcript, order: transcript.order.record, closing: transcript.closing.record }).winners.find(
    (winner) => winner.reservation === reservation,
  )

/** That a lease is of the auction, and of the slots and the price that the rule gives its reservation. */
export const checkLeaseAward = (transcript: Transcript, lease: Lease): TranscriptCheck => {
  const name = 'the lease is what the rule gives its bid'
  const digest = digestOf(transcript)
  if (lease.market !== transcript.market || lease.auction?.id !== transcript.auction)
    return { name, holds: false, found: `the lease is not of ${transcript.auction}` }
  if (lease.auction.transcript !== digest)
    return { name, holds: false, found: `the lease names ${lease.auction.transcript}, the transcript is ${digest}` }
  const due = dueTo(transcript, lease.reservation)
  const holds =
    due?.slots === lease.slots && due.price.per === lease.price.per && due.price.nanoUsd === lease.price.nanoUsd
  return {
    name,
    holds,
    found: holds ? sayPart(lease) : `the rule gives ${sayPart(due)}, the lease is of ${sayPart(lease)}`,
  }
}
