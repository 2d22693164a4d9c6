import {
  digestOf,
  formatUsd,
  verifyTranscript,
  type ReceiptBundle,
  type TranscriptBundle,
  type Verifier,
} from '@muster/protocol'
import { checkSame, checkThat, type ReceiptCheck } from './receipt-check.ts'

const sayPrice = ({ price: { nanoUsd, per } }: { readonly price: ReceiptBundle['lease']['record']['price'] }): string =>
  `${formatUsd(nanoUsd)} per ${per}`

const checkAward = (
  { lease, chainId }: ReceiptBundle,
  { transcript }: TranscriptBundle,
  verifier: Verifier,
): ReceiptCheck[] => {
  const { record } = lease
  const { record: told } = transcript
  const winner = told.award.winners.find(({ reservation }) => reservation === record.reservation)
  const failed = verifyTranscript(verifier, { chainId, market: record.market }, transcript).find(({ holds }) => !holds)
  return [
    checkThat(
      'the transcript is the one the lease names',
      digestOf(told) === record.auction?.transcript && told.auction === record.auction.id,
      told.auction,
      `the lease names ${record.auction?.transcript}, this one is ${digestOf(told)}`,
    ),
    checkThat(
      'the auction was decided by its rule',
      failed === undefined,
      `${told.closing.record.count} bids`,
      `not so: ${failed?.name}; ${failed?.found}`,
    ),
    checkThat(
      'the auction awarded this price and these slots',
      winner !== undefined &&
        winner.slots === record.slots &&
        winner.price.per === record.price.per &&
        winner.price.nanoUsd === record.price.nanoUsd,
      sayPrice(record),
      winner === undefined ? 'it awarded nothing to this bid' : `it awarded ${winner.slots} at ${sayPrice(winner)}`,
    ),
  ]
}

/**
 * Where the price of a lease comes from: its reservation, or a sealed auction whose transcript says so. A price that is not the
 * reservation's passes with that transcript only.
 */
export const checkAuction = (
  bundle: ReceiptBundle,
  transcript: TranscriptBundle | undefined,
  verifier: Verifier,
): ReceiptCheck[] => {
  const { receipt, lease, reservation, order } = bundle
  const { auction } = lease.record
  const isSealed = auction !== undefined
  const billed = checkSame(isSealed ? 'leased and billed at one price' : 'reserved, leased and billed at one price', {
    ...(isSealed ? {} : { reservation: sayPrice(reservation.record) }),
    lease: sayPrice(lease.record),
    receipt: sayPrice(receipt.record),
  })
  const asked = checkThat(
    'it was auctioned as ordered',
    isSealed === (order.record.auction !== undefined),
    order.record.auction === undefined ? 'from standing offers' : `by sealed bids, ${order.record.auction.pricing}`,
    isSealed ? 'the order asks for no sealed auction' : 'the order asks for a sealed auction',
  )
  if (!isSealed) return [billed, asked]
  if (transcript !== undefined) return [billed, asked, ...checkAward(bundle, transcript, verifier)]
  const isOwnPrice = sayPrice(lease.record) === sayPrice(reservation.record)
  return [
    billed,
    asked,
    {
      name: 'the auction awarded this price and these slots',
      result: isOwnPrice ? 'unknown' : 'failed',
      why: isOwnPrice
        ? `give the transcript of ${auction.id} to know`
        : `${sayPrice(reservation.record)} was bid and ${sayPrice(lease.record)} is leased: only the transcript of ${auction.id} can say why`,
    },
  ]
}
