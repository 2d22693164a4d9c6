import {
  digestOf,
  MusterError,
  parseAttemptId,
  type Address,
  type AttemptId,
  type EntryId,
  type JobId,
  type NanoUsd,
  type Receipt,
  type ReceiptId,
  type SignedGroup,
  type SignedRecord,
  type TenantId,
} from '@muster/protocol'
import { encodeBody } from './batch-body.ts'
import { receiptWritten } from './refusals.ts'
import type { ReceiptBatch } from './store.ts'

/** One row of the table `receipt_batch`. */
export interface ReceiptBatchRow {
  readonly firstId: ReceiptId
  readonly lastId: ReceiptId
  readonly job: JobId
  readonly tenant: TenantId
  readonly provider: Address
  readonly count: number
  /** The sum of the receipts. */
  readonly amount: NanoUsd
  readonly issuedAt: number
  readonly entry: EntryId | null
  /** What of the sum the market keeps. */
  readonly fee: NanoUsd
  /** The receipts and claims: see `encodeBody`. */
  readonly body: Uint8Array
}

const noBatch = (expected: string, facts: Record<string, unknown> = {}): MusterError =>
  new MusterError({
    code: 'record_invalid',
    fault: 'market',
    message: 'These receipts cannot be kept as one batch.',
    facts: { expected, ...facts },
  })

const isSigned = (group: SignedGroup<SignedRecord>): boolean =>
  'signature' in group || group.signatures.length === group.records.length

/** Between nothing and all of the sum, on whichever side of zero that is. */
const isPart = (fee: NanoUsd, amount: NanoUsd): boolean =>
  amount >= 0n ? fee >= 0n && fee <= amount : fee <= 0n && fee >= amount

/** Throws `record_invalid`. Digests of records that were signed or checked before are not computed again. */
export const encodeBatch = ({ entry, fee, receipts, claims }: ReceiptBatch): ReceiptBatchRow => {
  const [first] = receipts.records
  if (first === undefined) throw noBatch('a receipt')
  const job = parseAttemptId(first.attempt)?.job
  if (job === undefined) throw noBatch('<job>.<index>.<fence>', { receipt: first.id, found: first.attempt })
  if (claims.records.length !== receipts.records.length || !isSigned(receipts) || !isSigned(claims))
    throw noBatch('a claim and two signatures for each receipt', { receipt: first.id })
  const { tenant, provider, issuedAt } = first
  let last = first
  let amount = 0n
  for (const [index, receipt] of receipts.records.entries()) {
    const { id, attempt, claim } = receipt
    if (index > 0 && id <= last.id) throw noBatch('ids that follow each other', { receipt: id, after: last.id })
    if (!attempt.startsWith(`${job}.`) || receipt.tenant !== tenant || receipt.provider !== provider)
      throw noBatch('receipts of one job, tenant and provider', { receipt: id, first: first.id })
    if (claim !== digestOf(claims.records[index])) throw noBatch('the claim that the receipt names', { receipt: id })
    amount += receipt.amount
    last = receipt
  }
  if (!isPart(fee, amount)) throw noBatch('a fee that is part of the sum', { receipt: first.id, fee: fee.toString() })
  return {
    firstId: first.id,
    lastId: last.id,
    job,
    tenant,
    provider,
    count: receipts.records.length,
    amount,
    issuedAt,
    entry,
    fee,
    body: encodeBody({ receipts, claims }),
  }
}

/** An attempt has one receipt, and each receipt one that reverses it. */
const purposeOf = ({ attempt, reverses }: Receipt): string => (reverses === null ? attempt : `${attempt} ${reverses}`)

const attemptPaid = (receipt: ReceiptId, attempt: AttemptId): MusterError =>
  new MusterError({
    code: 'transition_refused',
    message: 'This attempt has its receipt already.',
    facts: { receipt, attempt },
  })

const requireOncePaid = (batches: readonly ReceiptBatch[]): void => {
  const seen = new Set<string>()
  for (const { receipts } of batches) {
    for (const receipt of receipts.records) {
      const purpose = purposeOf(receipt)
      if (seen.has(purpose)) throw attemptPaid(receipt.id, receipt.attempt)
      seen.add(purpose)
    }
  }
}

/** The ids from the first of a batch to its last are its own: that is how a receipt is found. */
const requireApart = (rows: readonly ReceiptBatchRow[]): void => {
  let before: ReceiptBatchRow | undefined
  for (const row of rows.toSorted((a, b) => (a.firstId < b.firstId ? -1 : 1))) {
    if (before !== undefined && row.firstId <= before.lastId) throw receiptWritten(row.firstId, row.job)
    before = row
  }
}

/**
 * The batches of one commit. Throws `record_invalid` where one is none, and `transition_refused` where two receipts have
 * one id or are for one attempt.
 */
export const encodeBatches = (batches: readonly ReceiptBatch[]): ReceiptBatchRow[] => {
  const rows = batches.map(encodeBatch)
  requireApart(rows)
  requireOncePaid(batches)
  return rows
}
