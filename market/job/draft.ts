import { stepJob, type Job, type JobEvent, type JobId, type LedgerEntry } from '@muster/protocol'
import type { BlobRef, BlobRow, ReceiptBatch, UsedOrder } from '../store/store.ts'

/** One turn of a job: what is decided in it commits together or not at all. */
export interface Draft {
  /** The job with everything emitted so far folded in. */
  readonly job: Job
  readonly now: number
  /** Records an event. Throws `transition_refused` or `attempt_fenced`, and then nothing is recorded. */
  emit(event: JobEvent): void
  readonly events: readonly JobEvent[]
  readonly receipts: ReceiptBatch[]
  readonly entries: LedgerEntry[]
  readonly orders: UsedOrder[]
  readonly blobs: BlobRow[]
  readonly blobRefs: BlobRef[]
}

/** A draft over a job that exists, or over none yet, where the first event must be `submitted`. */
export const createDraft = (id: JobId, existing: Job | undefined, now: number): Draft => {
  const events: JobEvent[] = []
  let job = existing
  return {
    get job() {
      if (job === undefined) throw new Error(`job ${id} has no events yet`)
      return job
    },
    now,
    emit: (event) => {
      job = stepJob(job, event)
      events.push(event)
    },
    events,
    receipts: [],
    entries: [],
    orders: [],
    blobs: [],
    blobRefs: [],
  }
}

/** How much a draft holds: a decision that threw left something behind if this changed. */
export const draftSize = ({ events, receipts, entries, orders, blobs, blobRefs }: Draft): number =>
  events.length + receipts.length + entries.length + orders.length + blobs.length + blobRefs.length
