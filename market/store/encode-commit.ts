import { MusterError, netOf, type AccountName, type JobId, type LedgerEntry, type NanoUsd } from '@muster/protocol'
import { encodeEvents } from '../journal/encode-events.ts'
import { encodeBatches, type ReceiptBatchRow } from './encode-batch.ts'
import { encodeTranscript } from '../auction/encode-transcript.ts'
import type { TranscriptRow } from './auction-store.ts'
import type { PersonalText } from './personal-store.ts'
import type { BlobRef, BlobRow, Commit, JobRow, UsedOrder } from './store.ts'

/** One row of the journal: `count` events after the first `version`. */
export interface JournalRow {
  readonly stream: JobId
  readonly version: number
  readonly count: number
  readonly events: Uint8Array
  readonly at: number
}

/** A commit in rows, encoded once, whatever becomes of it. */
export interface EncodedCommit {
  readonly journal: readonly JournalRow[]
  readonly jobs: readonly JobRow[]
  readonly receipts: readonly ReceiptBatchRow[]
  readonly transcripts: readonly TranscriptRow[]
  readonly entries: readonly LedgerEntry[]
  /** What the entries add to each account. */
  readonly net: ReadonlyMap<AccountName, NanoUsd>
  readonly orders: readonly UsedOrder[]
  readonly blobs: readonly BlobRow[]
  readonly blobRefs: readonly BlobRef[]
  readonly texts: readonly PersonalText[]
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

const roughRowBytes = 200

/**
 * Throws `ledger_unbalanced`, what `encodeBatches` throws, and `TypeError` on an event or a record that has no canonical
 * form.
 */
export const encodeCommit = (commit: Commit): EncodedCommit => {
  const { jobs = [], entries = [], orders = [], blobs = [], blobRefs = [], texts = [] } = commit
  const journal = (commit.appends ?? [])
    .filter(({ events }) => events.length > 0)
    .map(({ stream, expectedVersion, events, at }): JournalRow => ({
      stream,
      version: expectedVersion,
      count: events.length,
      events: encodeEvents(events),
      at,
    }))
  const receipts = encodeBatches(commit.receipts ?? [])
  const transcripts = (commit.transcripts ?? []).map(encodeTranscript)
  entries.forEach(requireStorable)
  const rows = jobs.length + entries.length + orders.length + blobs.length + blobRefs.length + texts.length
  const bytes =
    journal.reduce((sum, { events }) => sum + events.length + roughRowBytes, rows * roughRowBytes) +
    [...receipts, ...transcripts].reduce((sum, { body }) => sum + body.length + roughRowBytes, 0)
  return { journal, jobs, receipts, transcripts, entries, net: netOf(entries), orders, blobs, blobRefs, texts, bytes }
}
