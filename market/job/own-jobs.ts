import type { Job, JobId, Log, Problem, World } from '@muster/protocol'
import type { Auctioneer } from '../auction/auctioneer.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { DispatchDepth } from '../lease/dispatch-depth.ts'
import type { LeaseKeeper } from '../lease/lease-keeper.ts'
import type { PlantedBug } from '../planted-bug.ts'
import type { ObserveJobs } from '../provider/observe-jobs.ts'
import type { Store } from '../store/store.ts'
import { actOnCommit, type ActOnCommitModules } from './act-on-commit.ts'
import { createJobActor, type JobActor } from './job-actor.ts'
import type { Jobs } from './jobs.ts'
import { loadJob, type LoadedJob } from './load-job.ts'
import { planTurn } from './plan-turn.ts'

export interface OwnJobsModules {
  readonly world: World
  readonly store: Store
  readonly jobs: Jobs
  readonly supply: ActOnCommitModules['supply']
  readonly trim: ActOnCommitModules['trim']
  readonly auctioneer: Auctioneer
  readonly keeper: LeaseKeeper
  readonly depth: DispatchDepth
  readonly cluster: Pick<Cluster, 'id' | 'isSure'> | undefined
  readonly observeJobs: ObserveJobs
  readonly denialOf: (job: Job) => Problem | undefined
  readonly isRunning: () => boolean
  readonly isOver: () => boolean
  readonly onClosed: (job: JobId) => void
  readonly snapshotEvery: number
  readonly log: Log
  readonly bugs: ReadonlySet<PlantedBug>
}

/** The jobs that this node writes, from their opening or taking up to their end, or until another node writes them. */
export interface OwnJobs {
  open(id: JobId, loaded?: LoadedJob): JobActor
  /** Goes on with a job from the journal, unless it is closed or written here already. */
  takeUp(id: JobId): Promise<void>
  takeUpAll(ids: readonly JobId[]): Promise<void>
  /** Other nodes write all of them from now on. */
  letGo(): void
}

/** Jobs read at a time when a node starts. */
const takenUpAtOnce = 16

export const createOwnJobs = (modules: OwnJobsModules): OwnJobs => {
  const { world, store, jobs, auctioneer, keeper, depth, cluster, observeJobs, isOver, log, bugs } = modules
  const isSplit = bugs.has('stream-split-ownership')
  const disowned = new WeakSet<JobActor>()

  /** Another node writes the job from now on. */
  const disown = (actor: JobActor): void => {
    disowned.add(actor)
    if (jobs.get(actor.id) !== actor) return
    auctioneer.forget(actor.id)
    keeper.disown(actor)
    jobs.remove(actor.id)
    actor.wake()
  }

  const open = (id: JobId, loaded?: LoadedJob): JobActor => {
    const owner = cluster?.id()
    const actor: JobActor = createJobActor(id, loaded, {
      world,
      store,
      log,
      plan: (draft) => planTurn(draft, { world, depth, denialOf: modules.denialOf }),
      act: (own, committed) => {
        // Of two calls that submit one job at once, one opens it; the other only learns of it.
        const isOther = (jobs.get(id) ?? own) !== own
        if (isOther || isOver() || disowned.has(own)) return
        actOnCommit(own, committed, modules)
        observeJobs.take(id, committed.events)
        if (committed.job.closed !== null) modules.onClosed(id)
      },
      isStopped: () => isOver() || disowned.has(actor),
      isPaused: () => modules.isRunning() && cluster?.isSure() === false && !isSplit,
      owner: () => (isSplit && cluster?.id() !== owner ? undefined : owner),
      onLost: () => {
        if (!isSplit) disown(actor)
      },
      snapshotEvery: modules.snapshotEvery,
    })
    return actor
  }

  const takeUp = async (id: JobId): Promise<void> => {
    const loaded = await loadJob(store, id)
    if (loaded === undefined || loaded.job.closed !== null || jobs.get(id) !== undefined) return
    const actor = open(id, loaded)
    jobs.add(actor)
    for (const [lease, state] of loaded.job.leases) if (state.phase !== 'closed') keeper.keep(actor, lease, false)
    auctioneer.consider(actor, true)
    actor.wake()
  }

  return {
    open,
    takeUp,
    takeUpAll: async (ids) => {
      for (let at = 0; at < ids.length; at += takenUpAtOnce)
        await Promise.all(ids.slice(at, at + takenUpAtOnce).map(takeUp))
    },
    letGo: () => {
      if (!isSplit) for (const actor of [...jobs.all()]) disown(actor)
    },
  }
}
