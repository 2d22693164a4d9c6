import type { z } from 'zod'
import { closingSchema } from '../auction/closing.ts'
import { acknowledgementSchema, commitmentSchema } from '../auction/commitment.ts'
import { transcriptSchema } from '../auction/transcript.ts'
import { benchmarkChallengeSchema } from '../benchmark/benchmark-challenge.ts'
import { benchmarkResultSchema } from '../benchmark/benchmark-result.ts'
import { claimSchema } from '../claim/claim.ts'
import { amendmentSchema } from '../lease/amendment.ts'
import { leaseSchema } from '../lease/lease.ts'
import { statementRequestSchema } from '../ledger/statement.ts'
import { linkHelloSchema } from '../link/link-hello.ts'
import { attestationSchema } from '../offer/attestation.ts'
import { offerSchema } from '../offer/offer.ts'
import { orderSchema } from '../order/order.ts'
import { resizeSchema } from '../order/resize.ts'
import { receiptSchema } from '../receipt/receipt.ts'
import { reservationSchema } from '../reservation/reservation.ts'
import type { SignedRecord } from '../signature/signed.ts'
import { exampleAcknowledgement, exampleClosing, exampleCommitment, exampleTranscript } from './example-auction.ts'
import {
  exampleAmendment,
  exampleAttestation,
  exampleBenchmarkChallenge,
  exampleBenchmarkResult,
  exampleClaim,
  exampleHello,
  exampleLease,
  exampleOffer,
  exampleOrder,
  exampleReceipt,
  exampleResize,
  exampleReservation,
  exampleStatementRequest,
} from './example-records.ts'

export interface RecordKind {
  readonly signer: 'tenant' | 'provider' | 'market' | 'auditor'
  readonly schema: z.ZodType<SignedRecord>
  readonly example: SignedRecord
}

/** Every kind of signed record: who signs it, its schema, and an example of it. */
export const recordKinds: Readonly<Record<string, RecordKind>> = {
  attestation: { signer: 'auditor', schema: attestationSchema, example: exampleAttestation },
  offer: { signer: 'provider', schema: offerSchema, example: exampleOffer },
  order: { signer: 'tenant', schema: orderSchema, example: exampleOrder },
  reservation: { signer: 'provider', schema: reservationSchema, example: exampleReservation },
  lease: { signer: 'market', schema: leaseSchema, example: exampleLease },
  commitment: { signer: 'provider', schema: commitmentSchema, example: exampleCommitment },
  acknowledgement: { signer: 'market', schema: acknowledgementSchema, example: exampleAcknowledgement },
  closing: { signer: 'market', schema: closingSchema, example: exampleClosing },
  transcript: { signer: 'market', schema: transcriptSchema, example: exampleTranscript },
  amendment: { signer: 'provider', schema: amendmentSchema, example: exampleAmendment },
  resize: { signer: 'tenant', schema: resizeSchema, example: exampleResize },
  claim: { signer: 'provider', schema: claimSchema, example: exampleClaim },
  receipt: { signer: 'market', schema: receiptSchema, example: exampleReceipt },
  link: { signer: 'provider', schema: linkHelloSchema, example: exampleHello },
  'benchmark-challenge': {
    signer: 'market',
    schema: benchmarkChallengeSchema,
    example: exampleBenchmarkChallenge,
  },
  'benchmark-result': { signer: 'provider', schema: benchmarkResultSchema, example: exampleBenchmarkResult },
  statement: { signer: 'provider', schema: statementRequestSchema, example: exampleStatementRequest },
}
