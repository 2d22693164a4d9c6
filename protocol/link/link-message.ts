import { z } from 'zod'
import { signedBenchmarkChallengeSchema } from '../benchmark/benchmark-challenge.ts'
import { signedBenchmarkResultSchema } from '../benchmark/benchmark-result.ts'
import { signedClosingSchema } from '../auction/closing.ts'
import { signedAcknowledgementSchema, signedCommitmentSchema } from '../auction/commitment.ts'
import { mostWindowMs } from '../auction/auction-terms.ts'
import { revealSchema, signedTranscriptSchema } from '../auction/transcript.ts'
import { claimSchema, namedBlobSchema } from '../claim/claim.ts'
import { cidSchema } from '../digest/cid.ts'
import { digestSchema } from '../digest/digest.ts'
import { hexSchema } from '../digest/hex.ts'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import { attemptIdSchema, maxTaskNumber } from '../id/task-id.ts'
import { amendmentSchema, mostAmendments } from '../lease/amendment.ts'
import { signedLeaseSchema } from '../lease/lease.ts'
import { signedOfferSchema } from '../offer/offer.ts'
import { signedResizeSchema } from '../order/resize.ts'
import { signedOrderSchema } from '../order/order.ts'
import { signedReservationSchema } from '../reservation/reservation.ts'
import { runtimeKindSchema, timeSchema } from '../resource/resources.ts'
import { signedSchema } from '../signature/signed.ts'
import { maxPathLength } from '../signature/signed.ts'

/** Blobs up to this size travel inside the message that needs them. */
export const inlineBlobBytes = 32 * 1024

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { error: 'expected bytes' })
const inlineBlobsSchema = z.array(bytesSchema).max(4096)

/** One attempt to run, of the lease of its batch. What it needs and did not come inline the agent asks for with `want`. */
const startTaskSchema = z.strictObject({
  index: z.int().min(0).max(maxTaskNumber),
  fence: z.int().min(1).max(maxTaskNumber),
  inputs: z.array(namedBlobSchema).max(64),
})

/** Attempts of one job on one lease, with what they have in common said once. */
export const startBatchSchema = z.strictObject({
  job: idSchema('job'),
  lease: idSchema('lease'),
  runtime: runtimeKindSchema,
  program: cidSchema.nullable(),
  timeoutMs: z.int().positive(),
  tasks: z.array(startTaskSchema).min(1).max(4096),
})
export type StartBatch = z.output<typeof startBatchSchema>

/** Attempts to run, with the small blobs they need. */
const startFields = { batches: z.array(startBatchSchema).max(64), blobs: inlineBlobsSchema }
const startsSchema = z.strictObject(startFields)
export type Starts = z.output<typeof startsSchema>

/** What a market sends an agent without waiting for an answer, in order. */
export const marketMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), ...startFields }),
  z.strictObject({ type: z.literal('cancel'), attempts: z.array(attemptIdSchema).max(4096) }),
  /** The outcome of these attempts is durable at the market; the agent may forget them. */
  z.strictObject({ type: z.literal('settled'), attempts: z.array(attemptIdSchema).max(4096) }),
  z.strictObject({ type: z.literal('blob-missing'), cid: cidSchema, problem: problemSchema }),
  /** The sealed bid arrived in time. */
  z.strictObject({ type: z.literal('bid-acknowledged'), acknowledgement: signedAcknowledgementSchema }),
  /** The auction is over; a reservation that did not win is given up. `transcript` is null where there was no award. */
  z.strictObject({
    type: z.literal('auction-over'),
    auction: idSchema('auction'),
    hasWon: z.boolean(),
    bids: z.int().min(0),
    transcript: digestSchema.nullable(),
  }),
  /** What `want-transcript` asked for; null where there is none. */
  z.strictObject({
    type: z.literal('transcript'),
    auction: idSchema('auction'),
    transcript: signedTranscriptSchema.nullable(),
  }),
  z.strictObject({ type: z.literal('pong'), at: timeSchema }),
])
export type MarketMessage = z.output<typeof marketMessageSchema>

/**
 * Claims under one signature, as `signTogether` makes it: over their Merkle root, or over the only one. The paths are left
 * out, since whoever holds all the claims finds them again.
 */
const claimBatchSchema = z.strictObject({ claims: z.array(claimSchema).min(1).max(4096), signature: hexSchema(65) })
export type ClaimBatch = z.output<typeof claimBatchSchema>

/** Reservations an agent may hold at once, so that it can name them all. */
export const maxCountedReservations = 16_384

/**
 * All an agent offers this market. `counted` are the reservations for this market that the slots of the offers leave out,
 * with and without a lease: what the market has taken or given back meanwhile it adds and subtracts by itself.
 */
const publicationFields = {
  offers: z.array(signedOfferSchema).max(64),
  counted: z.array(idSchema('reservation')).max(maxCountedReservations),
}
const publicationSchema = z.strictObject(publicationFields)
export type Publication = z.output<typeof publicationSchema>

/** What an agent sends its market without waiting for an answer, in order. */
export const agentMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('offers'), ...publicationFields }),
  /** Repeated until `settled`; small outputs come along. */
  z.strictObject({
    type: z.literal('claims'),
    batches: z.array(claimBatchSchema).max(64),
    blobs: inlineBlobsSchema,
  }),
  z.strictObject({
    type: z.literal('failures'),
    failures: z.array(z.strictObject({ attempt: attemptIdSchema, problem: problemSchema })).max(4096),
  }),
  z.strictObject({ type: z.literal('want'), cid: cidSchema }),
  z.strictObject({ type: z.literal('want-transcript'), auction: idSchema('auction') }),
  /** The provider takes these leases back: attempts that still run end by `by`, by its clock. */
  z.strictObject({
    type: z.literal('notice'),
    leases: z.array(idSchema('lease')).max(4096),
    by: timeSchema,
    /** How long from now that is: what counts, since clocks differ. */
    inMs: z.int().min(0).exactOptional(),
    /** Attempts that end before may still be dispatched; nothing new where it is absent. */
    takesWork: z.boolean().exactOptional(),
  }),
  z.strictObject({ type: z.literal('ping'), at: timeSchema }),
])
export type AgentMessage = z.output<typeof agentMessageSchema>

/** Calls a market makes on an agent; each waits for an answer or a problem. */
export const linkCalls = {
  reserve: {
    request: z.strictObject({
      order: signedOrderSchema,
      offer: idSchema('offer'),
      slots: z.int().min(1),
      ttlMs: z.int().min(1),
      /** Where the order asks for more slots by now than it says. */
      resize: signedResizeSchema.exactOptional(),
    }),
    response: signedReservationSchema,
  },
  /** Asks for a sealed bid; what comes after the window is late. Rejects with `forbidden` where the agent does not bid. */
  solicit: {
    request: z.strictObject({
      auction: idSchema('auction'),
      order: signedOrderSchema,
      offer: idSchema('offer'),
      /** At most so many. */
      slots: z.int().min(1).max(10_000),
      /** Until the close, and how long a bid must hold after it. */
      windowMs: z.int().min(1).max(mostWindowMs),
      holdMs: z.int().min(1),
      closesAt: timeSchema,
    }),
    /** The reservation is told by its id, so that the market, which reads that in the agent's publications too, counts its slots once. */
    response: z.strictObject({ commitment: signedCommitmentSchema, reservation: idSchema('reservation') }),
  },
  /** Shows the list that the agent's sealed bid is in, by its path, and asks for what opens the bid. */
  reveal: {
    request: z.strictObject({ closing: signedClosingSchema, path: z.array(hexSchema(32)).max(maxPathLength) }),
    response: revealSchema,
  },
  release: { request: z.strictObject({ reservation: idSchema('reservation') }), response: z.strictObject({}) },
  /** With the first attempts of the lease, which are taken on as by `start` if the lease is. */
  'open-lease': {
    request: z.strictObject({ lease: signedLeaseSchema, reservation: digestSchema, first: startsSchema.nullable() }),
    response: z.strictObject({}),
  },
  /** Asks for an amendment; the one before is taken back where the market did not take it: the same number again. */
  'amend-lease': {
    request: z.strictObject({
      lease: idSchema('lease'),
      number: z.int().min(1).max(mostAmendments),
      slots: z.int().min(1).max(10_000),
      until: timeSchema,
    }),
    response: signedSchema(amendmentSchema),
  },
  'close-lease': { request: z.strictObject({ lease: idSchema('lease') }), response: z.strictObject({}) },
  /** The probe: which leases and attempts the agent holds, by its own journal. */
  holdings: {
    request: z.strictObject({}),
    response: z.strictObject({
      leases: z.array(idSchema('lease')).max(65_536),
      /** Running, queued, or claimed and not yet settled. */
      attempts: z.array(attemptIdSchema).max(65_536),
    }),
  },
  /** Shows what the machine does: one part of a benchmark. */
  benchmark: {
    request: z.strictObject({ challenge: signedBenchmarkChallengeSchema }),
    response: signedBenchmarkResultSchema,
  },
  logs: {
    request: z.strictObject({ attempt: attemptIdSchema }),
    response: z.strictObject({ lines: z.array(z.string().max(8192)).max(1000) }),
  },
} as const

export type LinkCall = keyof typeof linkCalls
export type LinkRequest<Call extends LinkCall> = z.output<(typeof linkCalls)[Call]['request']>
export type LinkResponse<Call extends LinkCall> = z.output<(typeof linkCalls)[Call]['response']>
