import { MusterError } from '@muster/protocol'
import type { Journal } from '@muster/agent'
import type { CommitPoint } from '../scenario/scenario.ts'
import type { ProcessWorld } from '../world/process-world.ts'
import { createCommitQueue } from './commit-queue.ts'

export interface CrashableJournalOptions {
  readonly process: ProcessWorld
  readonly delayMs: () => number
  readonly isFull: () => boolean
  /** Called at each point of each commit; the process may be gone afterwards. */
  readonly onPoint: (point: CommitPoint) => void
}

const full = (): MusterError =>
  new MusterError({ code: 'disk_full', message: 'There is no room left on the disk.', fault: 'machine' })

/** An agent's journal that outlives its process: once that is gone, nothing asked of it is ever answered. */
export const createCrashableJournal = (journal: Journal, options: CrashableJournalOptions): Journal => {
  const { process, onPoint } = options
  const queue = createCommitQueue(process.world, options.delayMs)
  const never = new Promise<never>(() => {})
  const whileAlive = <Result>(action: () => Promise<Result>): Promise<Result> => (process.isAlive() ? action() : never)
  return {
    load: () => whileAlive(() => journal.load()),
    nextEpoch: (market, atLeast) => whileAlive(() => journal.nextEpoch(market, atLeast)),
    commit: (changes) =>
      whileAlive(() =>
        queue(async () => {
          if (changes.length > 0) onPoint('before-commit')
          if (!process.isAlive()) return never
          if (options.isFull() && changes.length > 0) throw full()
          await journal.commit(changes)
          if (!process.isAlive()) return never
          if (changes.length > 0) onPoint('after-commit')
          return process.isAlive() ? undefined : never
        }),
      ),
    close: async () => {},
  }
}
