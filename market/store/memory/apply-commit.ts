import type { JobId } from '@muster/protocol'
import { checkCommit, type StoreFacts } from '../check-commit.ts'
import type { EncodedCommit } from '../encode-commit.ts'
import type { BlobRef, BlobRow } from '../store.ts'
import type { MemoryDisk } from './memory-disk.ts'

const factsOf = (disk: MemoryDisk): StoreFacts => ({
  streamVersion: (stream) => {
    const last = disk.journal.get(stream)?.at(-1)
    return last === undefined ? 0 : last.version + last.count
  },
  owner: (job) => disk.owners.get(job),
  orderUsed: (digest) => disk.orders.has(digest),
  batchKnown: (firstId) => disk.batches.has(firstId),
  entryKnown: (id) => disk.entries.has(id),
  balance: (account) => disk.balances.get(account) ?? 0n,
  blobKnown: (cid) => disk.blobs.has(cid),
})

export const putBlob = (disk: MemoryDisk, row: BlobRow): void => {
  const known = disk.blobs.get(row.cid)
  disk.blobs.set(row.cid, { ...row, createdAt: Math.max(row.createdAt, known?.createdAt ?? 0) })
}

export const addRef = (disk: MemoryDisk, { cid, job }: BlobRef): void => {
  const refs = disk.refsOfJob.get(job) ?? new Set()
  disk.refsOfJob.set(job, refs)
  if (refs.has(cid)) return
  refs.add(cid)
  disk.refCounts.set(cid, (disk.refCounts.get(cid) ?? 0) + 1)
}

/** Ends what a job keeps: how many blobs that were. */
export const dropRefs = (disk: MemoryDisk, job: JobId): number => {
  const refs = disk.refsOfJob.get(job) ?? new Set()
  disk.refsOfJob.delete(job)
  for (const cid of refs) disk.refCounts.set(cid, (disk.refCounts.get(cid) ?? 1) - 1)
  return refs.size
}

/** Throws why the commit is refused, and then nothing has changed. */
export const requireApplicable = (disk: MemoryDisk, commit: EncodedCommit): void => {
  const refusal = checkCommit(commit, factsOf(disk))
  if (refusal !== undefined) throw refusal
}

/** Applies a commit that nothing stands against. */
export const applyCommit = (disk: MemoryDisk, commit: EncodedCommit): void => {
  for (const row of commit.journal) {
    const rows = disk.journal.get(row.stream)
    if (rows === undefined) disk.journal.set(row.stream, [row])
    else rows.push(row)
  }
  for (const { owner, ...row } of commit.jobs) {
    disk.jobs.set(row.id, row)
    if (row.phase === 'active') disk.activeJobs.set(row.id, row)
    else disk.activeJobs.delete(row.id)
    if (owner !== undefined) disk.owners.set(row.id, owner)
  }
  for (const row of commit.receipts) disk.batches.set(row.firstId, row)
  for (const row of commit.transcripts) if (!disk.transcripts.has(row.id)) disk.transcripts.set(row.id, row)
  for (const entry of commit.entries) disk.entries.set(entry.id, entry)
  for (const [account, change] of commit.net) disk.balances.set(account, (disk.balances.get(account) ?? 0n) + change)
  for (const order of commit.orders) disk.orders.set(order.digest, order)
  for (const row of commit.blobs) putBlob(disk, row)
  for (const ref of commit.blobRefs) addRef(disk, ref)
  for (const text of commit.texts) if (!disk.personalTexts.has(text.subject)) disk.personalTexts.set(text.subject, text)
}
