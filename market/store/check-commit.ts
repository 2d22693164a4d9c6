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

/** What a commit is checked against. */
export interface StoreFacts {
  streamVersion(stream: JobId): number
  orderUsed(digest: Digest): boolean
  receiptKnown(id: ReceiptId): boolean
  /** By `receiptKey`. */
  attemptPaid(key: string): boolean
  entryKnown(id: EntryId): boolean
  balance(account: AccountName): NanoUsd
  blobKnown(cid: Cid): boolean
}

/** An attempt has one receipt, and each receipt one that reverses it. */
export const receiptKey = ({
  job,
  index,
  fence,
  reverses,
}: {
  readonly job: string
  readonly index: number
  readonly fence: number
  readonly reverses: string | null
}): string => `${job}.${index}.${fence}.${reverses ?? ''}`

const staleWriter = (stream: JobId, expected: number, found: number): MusterError =>
  new MusterError({
    code: 'stale_writer',
    message: 'Somebody else wrote to this job first; read it again.',
    facts: { stream, expected, found },
  })

const refuse = (message: string, facts: Record<string, unknown>): MusterError =>
  new MusterError({ code: 'transition_refused', message, facts })

const checkStreams = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const versions = new Map<JobId, number>()
  for (const { stream, version, count } of commit.journal) {
    const found = versions.get(stream) ?? facts.streamVersion(stream)
    if (found !== version) return staleWriter(stream, version, found)
    versions.set(stream, version + count)
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
  const seen = new Set<string>()
  for (const row of commit.receipts) {
    const key = receiptKey(row)
    if (seen.has(key) || seen.has(row.id) || facts.receiptKnown(row.id) || facts.attemptPaid(key)) {
      return refuse('This attempt has its receipt already.', { receipt: row.id, job: row.job, index: row.index })
    }
    seen.add(key).add(row.id)
  }
  return undefined
}

const checkLedger = (commit: EncodedCommit, facts: StoreFacts): MusterError | undefined => {
  const seen = new Set<EntryId>()
  for (const { id, kind } of commit.entries) {
    if (seen.has(id) || facts.entryKnown(id)) return refuse('This entry was posted before.', { entry: id, kind })
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
  checkStreams(commit, facts) ??
  checkOrders(commit, facts) ??
  checkReceipts(commit, facts) ??
  checkLedger(commit, facts) ??
  checkBlobs(commit, facts)
