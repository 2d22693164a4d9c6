import type { AccountName, Cid, JobId, LedgerEntry, NanoUsd } from '@muster/protocol'
import type { TranscriptRow } from '../auction-store.ts'
import type { ReceiptBatchRow } from '../encode-batch.ts'
import type { EncodedCommit, JournalRow } from '../encode-commit.ts'
import type { PersonalText } from '../personal-store.ts'
import type { BlobRef, BlobRow, JobRow, UsedOrder } from '../store.ts'

/** A row of the journal; one that follows another of its group is not checked against the database. */
export interface GroupedJournalRow extends JournalRow {
  readonly follows: boolean
}

/** What a group does to an account: `low` is the least that any commit of it leaves, relative to the balance before. */
export interface AccountChange {
  readonly account: AccountName
  readonly net: NanoUsd
  readonly low: NanoUsd
}

/** Many commits as one: the rows of all, in an order that every node locks in. */
export interface CommitGroup {
  readonly journal: readonly GroupedJournalRow[]
  readonly jobs: readonly JobRow[]
  readonly receipts: readonly ReceiptBatchRow[]
  readonly transcripts: readonly TranscriptRow[]
  readonly entries: readonly LedgerEntry[]
  readonly accounts: readonly AccountChange[]
  readonly orders: readonly UsedOrder[]
  readonly blobs: readonly BlobRow[]
  readonly blobRefs: readonly BlobRef[]
  readonly texts: readonly PersonalText[]
}

const byText =
  <Row>(textOf: (row: Row) => string) =>
  (a: Row, b: Row): number => {
    const [left, right] = [textOf(a), textOf(b)]
    return left < right ? -1 : left > right ? 1 : 0
  }

const mergeAccounts = (commits: readonly EncodedCommit[]): AccountChange[] => {
  const changes = new Map<AccountName, AccountChange>()
  for (const { net } of commits) {
    for (const [account, change] of net) {
      const before = changes.get(account)
      const sum = (before?.net ?? 0n) + change
      const low = before === undefined || sum < before.low ? sum : before.low
      changes.set(account, { account, net: sum, low })
    }
  }
  return [...changes.values()].toSorted(byText(({ account }) => account))
}

const mergeBlobs = (commits: readonly EncodedCommit[]): BlobRow[] => {
  const blobs = new Map<Cid, BlobRow>()
  for (const row of commits.flatMap(({ blobs: rows }) => rows)) {
    const createdAt = Math.max(row.createdAt, blobs.get(row.cid)?.createdAt ?? 0)
    blobs.set(row.cid, { ...row, createdAt })
  }
  return [...blobs.values()].toSorted(byText(({ cid }) => cid))
}

const mergeJournal = (commits: readonly EncodedCommit[]): GroupedJournalRow[] => {
  const seen = new Set<JobId>()
  return commits
    .flatMap(({ journal }) => journal)
    .map((row) => {
      const follows = seen.has(row.stream)
      seen.add(row.stream)
      return { ...row, follows }
    })
}

/**
 * Merges commits so that applying the group is applying them one after the other.
 * Appends to one stream must fit each other: see `startsAnew`.
 */
export const mergeCommits = (commits: readonly EncodedCommit[]): CommitGroup => {
  const jobs = new Map(commits.flatMap((commit) => commit.jobs).map((row) => [row.id, row]))
  return {
    journal: mergeJournal(commits),
    jobs: [...jobs.values()].toSorted(byText(({ id }) => id)),
    receipts: commits.flatMap(({ receipts }) => receipts),
    transcripts: commits.flatMap(({ transcripts }) => transcripts),
    entries: commits.flatMap(({ entries }) => entries),
    accounts: mergeAccounts(commits),
    orders: commits.flatMap(({ orders }) => orders),
    blobs: mergeBlobs(commits),
    blobRefs: commits.flatMap(({ blobRefs }) => blobRefs),
    texts: commits.flatMap(({ texts }) => texts),
  }
}

/** Whether the commit does not fit behind those of a group whose streams end at `ends`, and so must begin the next. */
export const startsAnew = (commit: EncodedCommit, ends: ReadonlyMap<JobId, number>): boolean => {
  const own = new Map<JobId, number>()
  return commit.journal.some(({ stream, version, count }) => {
    const end = own.get(stream) ?? ends.get(stream)
    own.set(stream, version + count)
    return end !== undefined && end !== version
  })
}
