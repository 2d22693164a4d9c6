import type { Cid } from '@muster/protocol'
import { createBlobs } from '../../blob/store.ts'
import { createNodes } from '../../cluster/store.ts'
import { usedOrders } from '../../job/store.ts'
import { streamVersions } from '../../journal/store.ts'
import { createLedgerReads, knownEntries } from '../../ledger/store.ts'
import { knownBatches } from '../../receipt/store.ts'
import { type StoreFacts } from '../check-commit.ts'
import type { EncodedCommit } from '../encode-commit.ts'
import type { Sql } from './connection.ts'

/** What the database knows that may stand against a commit: read to explain a refusal, never to decide one. */
export const loadFacts = async (sql: Sql, commit: EncodedCommit): Promise<StoreFacts> => {
  const cids = commit.blobRefs.map(({ cid }): Cid => cid)
  const [versions, owners, orders, batches, entries, balances, blobs] = await Promise.all([
    streamVersions(
      sql,
      commit.journal.map(({ stream }) => stream),
    ),
    createNodes(sql).ownersOf(commit.jobs.map(({ id }) => id)),
    usedOrders(
      sql,
      commit.orders.map(({ digest }) => digest),
    ),
    knownBatches(
      sql,
      commit.receipts.map(({ firstId }) => firstId),
    ),
    knownEntries(
      sql,
      commit.entries.map(({ id }) => id),
    ),
    createLedgerReads(sql).balances([...commit.net.keys()]),
    createBlobs(sql).known(cids),
  ])
  return {
    streamVersion: (stream) => versions.get(stream) ?? 0,
    owner: (job) => owners.get(job),
    orderUsed: (digest) => orders.has(digest),
    batchKnown: (firstId) => batches.has(firstId),
    entryKnown: (id) => entries.has(id),
    balance: (account) => balances.get(account) ?? 0n,
    blobKnown: (cid) => blobs.has(cid),
  }
}
