import { decodeCanonical, encodeCanonical, MusterError, restoreJob, snapshotJob, type JobId } from '@muster/protocol'
import { decodeEvents } from '../../journal/encode-events.ts'
import { encodeCommit } from '../encode-commit.ts'
import { storeClosed } from '../refusals.ts'
import type { Store, StoredEvent } from '../store.ts'
import { applyCommit, requireApplicable } from './apply-commit.ts'
import { createMemoryDisk, type MemoryDisk } from './memory-disk.ts'
import { memoryAuctions } from './auctions.ts'
import { memoryAdmin } from './memory-admin.ts'
import { memoryJobs, memoryLedger, memoryReceipts } from './reads.ts'
import { memoryNodes } from './nodes.ts'
import { memoryPersonalData } from './personal.ts'
import { memoryBenchmarks } from './benchmarks.ts'
import { memoryObservations } from './observations.ts'
import { memoryPrices } from './prices.ts'
import { memoryStandingOrders } from './standing-orders.ts'
import { memoryAccounts, memoryBlobs, memoryProviders } from './registers.ts'

/** Where a commit may be cut off: the moment before it is durable, and the moment after. */
export type FaultPoint = 'before-commit' | 'after-commit'

export interface MemoryStoreOptions {
  /** What an earlier store left; a new one starts empty. */
  readonly disk?: MemoryDisk
  /**
   * Called at each point of each commit. Throwing a `MusterError` makes the commit reject with it. Throwing anything
   * else is a crash: the store is dead, and neither this call nor any later one ever settles, so that nothing of the
   * crashed node runs on. The disk keeps every commit that got past `before-commit`.
   */
  readonly onFaultPoint?: (point: FaultPoint) => void
}

const eventsFrom = (disk: MemoryDisk, stream: JobId, from: number, limit: number): StoredEvent[] => {
  const events: StoredEvent[] = []
  for (const { version, count, events: bytes } of disk.journal.get(stream) ?? []) {
    if (version + count <= from) continue
    if (events.length >= limit) break
    events.push(...decodeEvents(version, bytes).filter((event) => event.version >= from))
  }
  return events.slice(0, limit)
}

/** One for each call: a promise that all wait for would keep all of them. */
const never = (): Promise<never> => new Promise(() => {})

/** The store of the simulator: the same rules and the same bytes as in Postgres, without time or chance. */
export const createMemoryStore = ({ disk = createMemoryDisk(), onFaultPoint }: MemoryStoreOptions = {}): Store => {
  let state: 'open' | 'crashed' | 'closed' = 'open'

  const guard =
    <Args extends readonly unknown[], Result>(action: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      if (state === 'crashed') return never()
      return state === 'closed' ? Promise.reject(storeClosed()) : action(...args)
    }
  const guardAll = <Reads extends object>(reads: Reads): Reads =>
    Object.fromEntries(Object.entries(reads).map(([name, read]) => [name, guard(read)])) as Reads

  const pass = (point: FaultPoint): void => {
    try {
      onFaultPoint?.(point)
    } catch (error) {
      if (!(error instanceof MusterError)) state = 'crashed'
      throw error
    }
  }

  return {
    commit: guard(async (commit) => {
      try {
        const encoded = encodeCommit(commit)
        requireApplicable(disk, encoded)
        pass('before-commit')
        applyCommit(disk, encoded)
        pass('after-commit')
      } catch (error) {
        if (state === 'crashed') await never()
        throw error
      }
    }),
    readStream: guard(async (stream) => {
      const last = disk.journal.get(stream)?.at(-1)
      if (last === undefined) return undefined
      const kept = disk.snapshots.get(stream)
      const from = kept?.version ?? 0
      return {
        snapshot: kept === undefined ? null : { version: from, job: restoreJob(decodeCanonical(kept.state)) },
        events: eventsFrom(disk, stream, from, Infinity),
        version: last.version + last.count,
      }
    }),
    readEvents: guard(async (stream, { from, limit }) => eventsFrom(disk, stream, from, limit)),
    writeSnapshot: guard(async ({ stream, version, job }) => {
      if (version <= (disk.snapshots.get(stream)?.version ?? 0)) return
      disk.snapshots.set(stream, { version, state: encodeCanonical(snapshotJob(job)) })
    }),
    pruneOrders: guard(async (now) => {
      const expired = [...disk.orders.values()].filter(({ expiresAt }) => expiresAt < now)
      for (const { digest } of expired) disk.orders.delete(digest)
      return expired.length
    }),
    jobs: guardAll(memoryJobs(disk)),
    receipts: guardAll(memoryReceipts(disk)),
    auctions: guardAll(memoryAuctions(disk)),
    ledger: guardAll(memoryLedger(disk)),
    accounts: guardAll(memoryAccounts(disk)),
    providers: guardAll(memoryProviders(disk)),
    observations: guardAll(memoryObservations(disk)),
    benchmarks: guardAll(memoryBenchmarks(disk)),
    blobs: guardAll(memoryBlobs(disk)),
    admin: guardAll(memoryAdmin(disk)),
    prices: guardAll(memoryPrices(disk)),
    standingOrders: guardAll(memoryStandingOrders(disk)),
    nodes: guardAll(memoryNodes(disk)),
    personal: guardAll(memoryPersonalData(disk)),
    ping: guard(async () => {}),
    close: async () => {
      if (state === 'open') state = 'closed'
    },
  }
}
