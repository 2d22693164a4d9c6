import {
  mayBeNegative,
  MusterError,
  overdrawn,
  type AccountName,
  type Cid,
  type Digest,
  type EntryId,
  type JobId,
  type NanoUsd,
  type ReceiptId,
} from '@muster/protocol'
import type { EncodedCommit } from './encode-commit.ts'
import type { NodeId } from './node-store.ts'
import { receiptWritten } from './refusals.ts'

/** What a commit is checked against. */
export interface StoreFacts {
  streamVersion(stream: JobId): number
  /** Of a job that is there and not closed. */
  owner(job: JobId): NodeId | undefined
  orderUsed(digest: Digest): boolean
  /** By the first of its receipts. */
  batchKnown(firstId: ReceiptId): boolean
  entryKnown(id: EntryId): boolean
  balance(account: AccountName): NanoUsd
  blobKnown(cid: Cid): boolean
}

const staleWriter = (stream: JobId, expected: number, found: number): MusterError =>
  new MusterError({
    code: 'stale_writer',
    message: 'Somebody else wrote to this job first; read it again.',
    facts: { stream, expected, found },
  })

const checkStreams = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const versions = new Map<JobId, number>()
  for (const { stream, version, count } of commit.journal) {
    const found = versions.get(stream) ?? facts.streamVersion(stream)
    if (found !== version) return staleWriter(stream, version, found)
    versions.set(stream, version + count)
  }
  return undefined
}

const checkOwners = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  for (const { id, owner } of commit.jobs) {
    const found = owner === undefined ? undefined : facts.owner(id)
    if (found !== undefined && found !== owner)
      return new MusterError({
        code: 'stale_writer',
        message: 'Another node writes this job now.',
        facts: { stream: id, owner: found },
      })
  }
  return undefined
}

const checkOrders = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const seen = new Set<Digest>()
  for (const { digest, job } of commit.orders) {
    if (seen.has(digest) || facts.orderUsed(digest)) {
      return new MusterError({
        code: 'order_replayed',
        message: 'This order was used before; sign a new one.',
        facts: { order: digest, job },
      })
    }
    seen.add(digest)
  }
  return undefined
}

const checkReceipts = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const known = commit.receipts.find(({ firstId }) => facts.batchKnown(firstId))
  return known === undefined ? undefined : receiptWritten(known.firstId, known.job)
}

const checkLedger = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const seen = new Set<EntryId>()
  for (const { id, kind } of commit.entries) {
    if (seen.has(id) || facts.entryKnown(id)) {
      return new MusterError({
        code: 'transition_refused',
        message: 'This entry was posted before.',
        facts: { entry: id, kind },
      })
    }
    seen.add(id)
  }
  for (const [account, change] of commit.net) {
    const balance = facts.balance(account)
    if (change < 0n && balance + change < 0n && !mayBeNegative(account)) return overdrawn(account, balance, -change)
  }
  return undefined
}

const checkBlobs = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const added = new Set(commit.blobs.map(({ cid }) => cid))
  const missing = commit.blobRefs.find(({ cid }) => !added.has(cid) && !facts.blobKnown(cid))
  if (missing === undefined) return undefined
  return new MusterError({
    code: 'blob_missing',
    message: 'A job refers to a blob that the market does not have; upload it first.',
    facts: { cid: missing.cid, job: missing.job },
  })
}

/** Why a commit is refused, or `undefined` where nothing stands against it. */
export const checkCommit = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined =>
  checkOwners(commit, facts) ??
  checkStreams(commit, facts) ??
  checkOrders(commit, facts) ??
  checkReceipts(commit, facts) ??
  checkLedger(commit, facts) ??
  checkBlobs(commit, facts)
