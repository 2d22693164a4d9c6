import {
  MusterError,
  netOf,
  parseAttemptId,
  recordBytes,
  type AccountName,
  type Address,
  type EntryId,
  type JobId,
  type LedgerEntry,
  type NanoUsd,
  type ReceiptId,
  type TenantId,
} from '@muster/protocol'
import { encodeEvents } from '../journal/encode-events.ts'
import { packSignatures } from '../receipt/pack-signatures.ts'
import type { BlobRef, BlobRow, Commit, JobRow, StoredReceipt, UsedOrder } from './store.ts'

/** One row of the journal: `count` events after the first `version`. */
export interface JournalRow {
  readonly stream: JobId
  readonly version: number
  readonly count: number
  readonly events: Uint8Array
  readonly at: number
}

export interface ReceiptRow {
  readonly id: ReceiptId
  readonly job: JobId
  readonly index: number
  readonly fence: number
  readonly tenant: TenantId
  readonly provider: Address
  readonly amount: NanoUsd
  readonly reverses: ReceiptId | null
  readonly issuedAt: number
  readonly entry: EntryId | null
  readonly receipt: Uint8Array
  readonly claim: Uint8Array
  /** Of the receipt and of the claim: see `packSignatures`. */
  readonly signatures: Uint8Array
}

/** A commit in rows, encoded once, whatever becomes of it. */
export interface EncodedCommit {
  readonly journal: readonly JournalRow[]
  readonly jobs: readonly JobRow[]
  readonly receipts: readonly ReceiptRow[]
  readonly entries: readonly LedgerEntry[]
  /** What the entries add to each account. */
  readonly net: ReadonlyMap<AccountName, NanoUsd>
  readonly orders: readonly UsedOrder[]
  readonly blobs: readonly BlobRow[]
  readonly blobRefs: readonly BlobRef[]
  /** Rough size, for the bounds of queue and group. */
  readonly bytes: number
}

const largest = 2n ** 63n - 1n

const requireStorable = ({ id, legs }: LedgerEntry): void => {
  for (const { account, amount } of legs) {
    if (amount <= largest && amount >= -largest) continue
    throw new MusterError({
      code: 'ledger_unbalanced',
      message: 'An amount of this entry is larger than any account can hold.',
      facts: { entry: id, account, found: amount.toString() },
    })
  }
}

const receiptRow = ({ entry, receipt, claim }: StoredReceipt): ReceiptRow => {
  const { record } = receipt
  const name = parseAttemptId(record.attempt)
  if (name === undefined) {
    throw new MusterError({
      code: 'record_invalid',
      message: 'A receipt names no attempt.',
      facts: { receipt: record.id, expected: '<job>.<index>.<fence>', found: record.attempt },
    })
  }
  return {
    id: record.id,
    job: name.job,
    index: name.index,
    fence: name.fence,
    tenant: record.tenant,
    provider: record.provider,
    amount: record.amount,
    reverses: record.reverses,
    issuedAt: record.issuedAt,
    entry,
    receipt: recordBytes(record),
    claim: recordBytes(claim.record),
    signatures: packSignatures([receipt.signature, claim.signature]),
  }
}

const roughRowBytes = 200

/** Throws `ledger_unbalanced` or `record_invalid`, and `TypeError` on an event that has no canonical form. */
export const encodeCommit = (commit: Commit): EncodedCommit => {
  const { jobs = [], entries = [], orders = [], blobs = [], blobRefs = [] } = commit
  const journal = (commit.appends ?? [])
    .filter(({ events }) => events.length > 0)
    .map(({ stream, expectedVersion, events, at }): JournalRow => ({
      stream,
      version: expectedVersion,
      count: events.length,
      events: encodeEvents(events),
      at,
    }))
  const receipts = (commit.receipts ?? []).map(receiptRow)
  entries.forEach(requireStorable)
  const rows = jobs.length + entries.length + orders.length + blobs.length + blobRefs.length
  const bytes =
    journal.reduce((sum, { events }) => sum + events.length + roughRowBytes, rows * roughRowBytes) +
    receipts.reduce(
      (sum, row) => sum + row.receipt.length + row.claim.length + row.signatures.length + roughRowBytes,
      0,
    )
  return { journal, jobs, receipts, entries, net: netOf(entries), orders, blobs, blobRefs, bytes }
}
