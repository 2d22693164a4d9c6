import {
  describeEvent,
  stepJob,
  type Job,
  type JobEvent,
  type JobId,
  type LedgerEntry,
  type TimelineEvent,
} from '@muster/protocol'
import type { BlobRef, BlobRow, StoredReceipt, UsedOrder } from '../store/store.ts'

/** One turn of a job: what is decided in it commits together or not at all. */
export interface Draft {
  /** The job with everything emitted so far folded in. */
  readonly job: Job
  readonly now: number
  /** Records an event. Throws `transition_refused` or `attempt_fenced`, and then nothing is recorded. */
  emit(event: JobEvent): void
  readonly events: readonly JobEvent[]
  readonly timeline: readonly TimelineEvent[]
  readonly receipts: StoredReceipt[]
  readonly entries: LedgerEntry[]
  readonly orders: UsedOrder[]
  readonly blobs: BlobRow[]
  readonly blobRefs: BlobRef[]
}

/** A draft over a job that exists, or over none yet, where the first event must be `submitted`. */
export const createDraft = (id: JobId, existing: Job | undefined, version: number, now: number): Draft => {
  const events: JobEvent[] = []
  const timeline: TimelineEvent[] = []
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
      timeline.push(describeEvent(job, version + events.length, event))
    },
    events,
    timeline,
    receipts: [],
    entries: [],
    orders: [],
    blobs: [],
    blobRefs: [],
  }
}
