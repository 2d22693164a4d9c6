import type { EntryId, JobId, ReceiptId } from '@muster/protocol'
import type { MemoryDisk } from '../../../market/store/memory/memory-disk.ts'
import type { Commit } from '../../../market/store/store.ts'

interface Written {
  readonly batches: ReceiptId[]
  readonly entries: EntryId[]
}

/** Where on the disk everything of a job is, so that it can be taken away. */
export interface Shelf {
  put(commit: Commit): void
  clear(job: JobId): void
}

export const createShelf = (disk: MemoryDisk): Shelf => {
  const ofJob = new Map<JobId, Written>()
  return {
    put: ({ appends = [], receipts = [], entries = [] }) => {
      const job = appends[0]?.stream
      if (job === undefined) return
      const written = ofJob.get(job) ?? { batches: [], entries: [] }
      ofJob.set(job, written)
      for (const { id } of entries) written.entries.push(id)
      for (const { records } of receipts.map((batch) => batch.receipts))
        if (records[0] !== undefined) written.batches.push(records[0].id)
    },
    clear: (job) => {
      const written = ofJob.get(job)
      ofJob.delete(job)
      disk.journal.delete(job)
      disk.snapshots.delete(job)
      for (const id of written?.batches ?? []) disk.batches.delete(id)
      for (const id of written?.entries ?? []) disk.entries.delete(id)
    },
  }
}
