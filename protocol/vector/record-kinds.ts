import type { z } from 'zod'
import { claimSchema } from '../claim/claim.ts'
import { leaseSchema } from '../lease/lease.ts'
import { statementRequestSchema } from '../ledger/statement.ts'
import { linkHelloSchema } from '../link/link-hello.ts'
import { attestationSchema } from '../offer/attestation.ts'
import { offerSchema } from '../offer/offer.ts'
import { orderSchema } from '../order/order.ts'
import { receiptSchema } from '../receipt/receipt.ts'
import { reservationSchema } from '../reservation/reservation.ts'
import type { SignedRecord } from '../signature/signed.ts'
import {
  exampleAttestation,
  exampleClaim,
  exampleHello,
  exampleLease,
  exampleOffer,
  exampleOrder,
  exampleReceipt,
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
  claim: { signer: 'provider', schema: claimSchema, example: exampleClaim },
  receipt: { signer: 'market', schema: receiptSchema, example: exampleReceipt },
  link: { signer: 'provider', schema: linkHelloSchema, example: exampleHello },
  statement: { signer: 'provider', schema: statementRequestSchema, example: exampleStatementRequest },
}
