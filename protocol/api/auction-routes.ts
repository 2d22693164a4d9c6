import { z } from 'zod'
import { signedTranscriptSchema } from '../auction/transcript.ts'
import { auctionTermsSchema } from '../auction/auction-terms.ts'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { awardSchema } from '../order/order.ts'
import { timeSchema } from '../resource/resources.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})

/** A transcript with the network its signatures are for: checked offline, by anyone. */
export const transcriptBundleSchema = z.strictObject({
  chainId: z.int().min(1),
  transcript: signedTranscriptSchema,
})
export type TranscriptBundle = z.output<typeof transcriptBundleSchema>

/** A sealed auction in a list. */
export const auctionSummarySchema = z.strictObject({
  id: idSchema('auction'),
  job: idSchema('job'),
  at: timeSchema,
  award: awardSchema,
  terms: auctionTermsSchema,
  solicited: z.int(),
  bids: z.int(),
  winners: z.int(),
  slots: z.int(),
  /** Digest of the transcript. */
  transcript: digestSchema,
})
export type AuctionSummary = z.output<typeof auctionSummarySchema>

export const auctionRoute = defineRoute({
  method: 'GET',
  path: '/v1/auctions/{auction}',
  summary: 'The transcript of a sealed auction: every bid, the rule and the award, signed by the market.',
  auth: 'none',
  params: z.strictObject({ auction: idSchema('auction') }),
  query: none,
  body: null,
  response: { json: transcriptBundleSchema },
  status: 200,
  errors: ['not_found'],
  // It never changes.
  cacheSeconds: 86_400,
  // Of a thousand bids it is a megabyte, and 30 ms of work to read.
  weight: 200,
})

export const jobAuctionsRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}/auctions',
  summary: 'The sealed auctions of a job, oldest first.',
  auth: 'tenant',
  params: z.strictObject({ job: idSchema('job') }),
  query: z.strictObject({
    after: idSchema('auction').optional(),
    limit: z.coerce.number().int().min(1).max(200).default(100),
  }),
  body: null,
  response: { json: z.strictObject({ auctions: z.array(auctionSummarySchema) }) },
  status: 200,
  errors: ['not_found'],
})
