import { MusterError, type Job, type JobId, type Log, type TimelineEvent, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import { createDraft, type Draft } from './draft.ts'
import { jobRow } from './job-row.ts'
import { loadJob, type LoadedJob } from './load-job.ts'

/** The one writer of a job: takes steps in turn, commits what they decide, then acts on it. */
export interface JobActor {
  readonly id: JobId
  /** Runs `decide` on the job and resolves with its result once everything it emitted is durable. It may run again after a failed commit, so it must not act. */
  step<Result>(decide: (draft: Draft) => Result): Promise<Result>
  /** The job as it stands, or `undefined` before its first commit. Do not change it. */
  peek(): Job | undefined
  /** Events so far. */
  version(): number
  watch(listener: (event: TimelineEvent) => void): () => void
  /** Asks for a turn without a step: the rules look whether something is due. */
  wake(): void
}

export interface JobActorModules {
  readonly world: World
  readonly store: Store
  readonly log: Log
  /** Adds what follows by itself from the state: dispatches, closings. Runs at the end of each turn. */
  readonly plan: (draft: Draft) => void
  /** Acts on what became durable. Never throws; whatever is lost in a crash is found again from the state. */
  readonly act: (actor: JobActor, committed: Draft) => void
}

interface Pending {
  readonly decide: (draft: Draft) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Events between snapshots. */
const snapshotEvery = 2_000
const maxBackOffMs = 5_000

export const createJobActor = (id: JobId, loaded: LoadedJob | undefined, modules: JobActorModules): JobActor => {
  const { world, store, log } = modules
  const listeners = new Set<(event: TimelineEvent) => void>()
  let state = loaded
  let snapshotAt = loaded?.version ?? 0
  let queue: Pending[] = []
  let isBusy = false
  let isAwake = false
  let failures = 0

  const version = () => state?.version ?? 0

  const reload = async (): Promise<void> => {
    state = await loadJob(store, id)
  }

  const commit = async (draft: Draft): Promise<void> => {
    if (draft.events.length === 0) return
    const nextVersion = version() + draft.events.length
    await store.commit({
      appends: [{ stream: id, expectedVersion: version(), events: draft.events, at: draft.now }],
      jobs: [jobRow(draft.job, draft.now)],
      receipts: draft.receipts,
      entries: draft.entries,
      orders: draft.orders,
      blobs: draft.blobs,
      blobRefs: draft.blobRefs,
    })
    state = { job: draft.job, version: nextVersion }
  }

  const afterCommit = async (draft: Draft): Promise<void> => {
    modules.act(actor, draft)
    for (const event of draft.timeline) for (const listener of listeners) listener(event)
    if (version() - snapshotAt < snapshotEvery) return
    snapshotAt = version()
    await store.writeSnapshot({ stream: id, version: version(), job: draft.job, at: draft.now })
  }

  const runTurn = async (turn: readonly Pending[]): Promise<void> => {
    const draft = createDraft(id, state?.job, version(), world.now())
    const settle: (() => void)[] = []
    for (const { decide, resolve, reject } of turn) {
      try {
        const result = decide(draft)
        settle.push(() => resolve(result))
      } catch (error) {
        settle.push(() => reject(error))
      }
    }
    if (draft.events.length > 0 || state !== undefined) modules.plan(draft)
    await commit(draft)
    settle.forEach((done) => done())
    if (draft.events.length > 0) await afterCommit(draft)
  }

  /** A failed commit says nothing of which step was at fault: start again from what is durable, one step a turn. */
  const recover = async (turn: readonly Pending[], error: unknown): Promise<void> => {
    failures++
    log.warn('a commit of a job failed', { job: id, error, failures })
    await reload()
    if (turn.length === 1 || (error instanceof MusterError && error.code === 'unavailable')) {
      turn.forEach(({ reject }) => reject(error))
      return
    }
    for (const pending of turn) {
      try {
        await runTurn([pending])
      } catch (cause) {
        await reload()
        pending.reject(cause)
      }
    }
  }

  const run = async (): Promise<void> => {
    isBusy = true
    try {
      while (queue.length > 0 || isAwake) {
        const turn = queue
        queue = []
        isAwake = false
        try {
          await runTurn(turn)
          failures = 0
        } catch (error) {
          await recover(turn, error)
          if (turn.length === 0) world.after(Math.min(maxBackOffMs, 100 * 2 ** failures), () => actor.wake())
        }
      }
    } catch (error) {
      log.error('a job cannot be reloaded; trying again', { job: id, error })
      world.after(maxBackOffMs, () => actor.wake())
    } finally {
      isBusy = false
    }
  }

  const actor: JobActor = {
    id,
    step: <Result>(decide: (draft: Draft) => Result) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ decide, resolve: resolve as (result: unknown) => void, reject })
        if (!isBusy) void run()
      }),
    peek: () => state?.job,
    version,
    watch: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    wake: () => {
      isAwake = true
      if (!isBusy) void run()
    },
  }
  return actor
}
