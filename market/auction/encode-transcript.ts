import {
  auctionSummarySchema,
  decodeCanonical,
  digestOf,
  encodeCanonical,
  signedTranscriptSchema,
  toJson,
  type AuctionSummary,
  type SignedTranscript,
} from '@muster/protocol'
import type { KeptTranscriptRow, TranscriptRow } from '../store/auction-store.ts'

export const summaryOf = ({ record }: SignedTranscript): AuctionSummary => {
  const { auction, job, order, solicited, bids, award, awardedAt } = record
  const terms = order.record.auction
  if (terms === undefined) throw new TypeError('a transcript of an order that asks for no sealed auction')
  return {
    id: auction,
    job,
    at: awardedAt,
    award: order.record.award,
    terms,
    solicited,
    bids: bids.length,
    winners: award.winners.length,
    slots: award.winners.reduce((sum, { slots }) => sum + slots, 0),
    transcript: digestOf(record),
  }
}

export const encodeTranscript = (transcript: SignedTranscript): TranscriptRow => ({
  id: transcript.record.auction,
  job: transcript.record.job,
  summary: toJson(summaryOf(transcript)),
  body: encodeCanonical(transcript),
})

/** `undefined` where it was pruned. */
export const readTranscript = ({ body }: Pick<KeptTranscriptRow, 'body'>): SignedTranscript | undefined =>
  body === null ? undefined : signedTranscriptSchema.parse(decodeCanonical(body))

export const readSummary = ({ summary }: Pick<TranscriptRow, 'summary'>): AuctionSummary =>
  auctionSummarySchema.parse(JSON.parse(summary))
