import { stepJob, type Job, type JobEvent, type JobId, type LedgerEntry, type SignedTranscript } from '@muster/protocol'
import type { PersonalText } from '../store/personal-store.ts'
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
  readonly transcripts: SignedTranscript[]
  readonly entries: LedgerEntry[]
  readonly orders: UsedOrder[]
  readonly blobs: BlobRow[]
  readonly blobRefs: BlobRef[]
  readonly texts: PersonalText[]
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
    transcripts: [],
    entries: [],
    orders: [],
    blobs: [],
    blobRefs: [],
    texts: [],
  }
}

/** How much a draft holds: a decision that threw left something behind if this changed. */
export const draftSize = ({ events, receipts, entries, orders, blobs, blobRefs, texts }: Draft): number =>
  events.length + receipts.length + entries.length + orders.length + blobs.length + blobRefs.length + texts.length
