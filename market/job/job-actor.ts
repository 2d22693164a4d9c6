import {
  MusterError,
  describeEvent,
  restoreJob,
  snapshotJob,
  stepJob,
  type Job,
  type JobEvent,
  type JobId,
  type Log,
  type TimelineEvent,
  type Timer,
  type World,
} from '@muster/protocol'
import type { NodeId } from '../store/node-store.ts'
import type { JobRow, Store } from '../store/store.ts'
import { createDraft, draftSize, type Draft } from './draft.ts'
import { jobRow } from './job-row.ts'
import type { LoadedJob } from './load-job.ts'

/** The one writer of a job: takes steps in turn, commits what they decide, then acts on it. */
export interface JobActor {
  readonly id: JobId
  /**
   * Runs `decide` on the job and resolves with its result once everything it emitted is durable. It may run again after a
   * failed commit, so it must not act. What it emitted before it threw is not kept.
   */
  step<Result>(decide: (draft: Draft) => Result): Promise<Result>
  /** The job as it is durable, or `undefined` before its first commit. Do not change it. */
  peek(): Job | undefined
  /** Events so far. */
  version(): number
  watch(listener: (event: TimelineEvent) => void): () => void
  /** Asks for a turn without a step: the rules look whether something is due. */
  wake(): void
}

/** Events that became durable, and the job after them. */
export interface Committed {
  readonly job: Job
  readonly events: readonly JobEvent[]
}

export interface JobActorModules {
  readonly world: World
  readonly store: Store
  readonly log: Log
  /** Adds what follows by itself from the state: dispatches, closings. Runs at the end of each turn. */
  readonly plan: (draft: Draft) => void
  /** Acts on what became durable; whatever is lost in a crash is found again from the state. */
  readonly act: (actor: JobActor, committed: Committed) => void
  readonly isStopped: () => boolean
  /** A turn waits for as long as this says so. */
  readonly isPaused?: () => boolean
  /** The run of a node that commits; left out, the store does not ask whose the job is. */
  readonly owner?: () => NodeId | undefined
  /** Another node writes the job now. */
  readonly onLost?: () => void
  /** Events between snapshots. */
  readonly snapshotEvery: number
}

interface Pending {
  readonly decide: (draft: Draft) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

const pageEvents = 1_000
const firstBackOffMs = 100
const maxBackOffMs = 5_000
/** How often in a row a step is tried again because another writer came first. */
const maxStale = 5

const stopped = (): MusterError =>
  new MusterError({ code: 'unavailable', message: 'The market is shutting down; try another node or later.' })

/** Whether the store may hold something this process does not know of, or does not answer. */
const isUncertain = (error: unknown): boolean =>
  !(error instanceof MusterError) || error.code === 'unavailable' || error.code === 'stale_writer'

/** Another node owns the job. */
const isOthers = (error: unknown): boolean =>
  error instanceof MusterError && error.code === 'stale_writer' && error.facts['owner'] !== undefined

export const createJobActor = (id: JobId, loaded: LoadedJob | undefined, modules: JobActorModules): JobActor => {
  const { world, store, log } = modules
  const listeners = new Set<(event: TimelineEvent) => void>()
  /** What readers and effects see. Drafts fold into a job of their own, so that nothing shows before it is durable. */
  let durable = loaded?.job
  let version = loaded?.version ?? 0
  let working = copyJob(durable)
  let isStale = false
  let snapshotAt = version
  let isSnapshotting = false
  let queue: Pending[] = []
  /** Steps at the head of the queue that get a turn of their own, since their common turn was refused. */
  let alone = 0
  let isBusy = false
  let isPlanned = false
  let isDue = false
  let failures = 0
  let retryTimer: Timer | undefined

  const publish = (events: readonly JobEvent[]): void => {
    for (const event of events) {
      durable = stepJob(durable, event)
      version++
      if (listeners.size === 0) continue
      const shown = describeEvent(durable, version, event)
      for (const listener of listeners) listener(shown)
    }
    if (durable === undefined) return
    try {
      modules.act(actor, { job: durable, events })
    } catch (error) {
      log.error('could not act on what became durable', { job: id, error })
    }
  }

  /** Snapshots are taken beside the turns; a job without one is only slower to load. */
  const snapshot = (): void => {
    if (durable === undefined || isSnapshotting || version - snapshotAt < modules.snapshotEvery) return
    isSnapshotting = true
    snapshotAt = version
    store
      .writeSnapshot({ stream: id, version, job: durable, at: world.now() })
      .catch((error: unknown) => log.warn('could not write a snapshot', { job: id, error }))
      .finally(() => (isSnapshotting = false))
  }

  /** Takes in what the journal holds beyond what is known here: a commit whose answer was lost, or another writer's. */
  const refresh = async (): Promise<void> => {
    for (let isMore = true; isMore;) {
      const page = await store.readEvents(id, { from: version, limit: pageEvents })
      if (page.length > 0) publish(page.map(({ event }) => event))
      isMore = page.length === pageEvents
    }
    working = copyJob(durable)
    isStale = false
  }

  const rowOf = (draft: Draft): JobRow => {
    const owner = modules.owner?.()
    const row = jobRow(draft.job, draft.now)
    return owner === undefined ? row : { ...row, owner }
  }

  const commit = (draft: Draft): Promise<void> =>
    store.commit({
      appends: [{ stream: id, expectedVersion: version, events: draft.events, at: draft.now }],
      jobs: [rowOf(draft)],
      receipts: draft.receipts,
      transcripts: draft.transcripts,
      entries: draft.entries,
      orders: draft.orders,
      blobs: draft.blobs,
      blobRefs: draft.blobRefs,
      texts: draft.texts,
    })

  const runTurn = async (turn: readonly Pending[]): Promise<void> => {
    const draft = createDraft(id, working, world.now())
    const settle: (() => void)[] = []
    for (const [index, pending] of turn.entries()) {
      const before = draftSize(draft)
      try {
        const result = pending.decide(draft)
        settle.push(() => pending.resolve(result))
      } catch (error) {
        pending.reject(error)
        if (draftSize(draft) === before) continue
        working = copyJob(durable)
        queue = [...turn.slice(0, index), ...turn.slice(index + 1), ...queue]
        return
      }
    }
    if (draft.events.length > 0 || working !== undefined) modules.plan(draft)
    if (draft.events.length > 0) {
      isStale = true
      await commit(draft)
      isStale = false
      working = draft.job
    }
    settle.forEach((done) => done())
    if (draft.events.length > 0) publish(draft.events)
    snapshot()
  }

  const retryLater = (): void => {
    retryTimer ??= world.after(Math.min(maxBackOffMs, firstBackOffMs * 2 ** Math.min(failures, 10)), () => {
      retryTimer = undefined
      actor.wake()
    })
  }

  /** A refused commit says nothing of which step was at fault: its steps run again, one a turn. */
  const recover = async (turn: readonly Pending[], error: unknown): Promise<void> => {
    failures++
    log.warn('a turn of a job failed', { job: id, error, failures })
    if (isOthers(error)) {
      for (const { reject } of turn) reject(error)
      return modules.onLost?.()
    }
    const wasStale = error instanceof MusterError && error.code === 'stale_writer' && failures <= maxStale
    try {
      if (isUncertain(error)) await refresh()
      else {
        working = copyJob(durable)
        isStale = false
      }
    } catch (cause) {
      log.warn('a job cannot be read again yet', { job: id, error: cause })
      for (const { reject } of turn) reject(error)
      return retryLater()
    }
    if (turn.length > 1 || (wasStale && turn.length === 1)) {
      queue = [...turn, ...queue]
      alone = turn.length
      return
    }
    for (const { reject } of turn) reject(error)
    if (durable !== undefined) retryLater()
  }

  const takeTurn = async (turn: readonly Pending[]): Promise<void> => {
    try {
      if (isStale) await refresh()
      await runTurn(turn)
      failures = 0
    } catch (error) {
      await recover(turn, error)
    }
  }

  const run = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    while ((queue.length > 0 || isDue) && !modules.isStopped()) {
      if (modules.isPaused?.() === true) {
        isBusy = false
        return retryLater()
      }
      const turn = queue.splice(0, alone > 0 ? 1 : queue.length)
      alone = Math.max(0, alone - 1)
      isDue = false
      await takeTurn(turn)
    }
    for (const { reject } of queue.splice(0)) reject(stopped())
    isBusy = false
  }

  /** Steps that are asked for at once share a turn. */
  const runSoon = (): void => {
    if (isBusy || isPlanned) return
    isPlanned = true
    queueMicrotask(() => {
      isPlanned = false
      void run()
    })
  }

  const actor: JobActor = {
    id,
    step: <Result>(decide: (draft: Draft) => Result) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ decide, resolve: resolve as (result: unknown) => void, reject })
        runSoon()
      }),
    peek: () => durable,
    version: () => version,
    watch: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    wake: () => {
      isDue = true
      runSoon()
    },
  }
  return actor
}

const copyJob = (job: Job | undefined): Job | undefined =>
  job === undefined ? undefined : restoreJob(snapshotJob(job))
