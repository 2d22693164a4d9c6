import type {
  Address,
  AgentPeer,
  AttemptRef,
  CloseReason,
  Job,
  LeaseId,
  LeaseState,
  StartBatch,
  Timer,
  World,
} from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import type { Hold } from '../supply/holds.ts'

/** A lease that is not closed, and what this process knows of its agent. */
export interface KeptLease {
  readonly actor: JobActor
  readonly id: LeaseId
  readonly provider: Address
  /** `elapsed` when it is over, by its term or a notice: a clock that steps ends no lease early. */
  endsAt: number
  /** The end that was counted with. */
  until: number
  /** Its slots, until the agent was told that it is closed. */
  readonly hold: Hold
  /** Opened by this process just now, so that the agent cannot know of it. */
  isNew: boolean
  /** The agent is told of it without any attempts. */
  isAlone: boolean
  /** The link over which the agent confirmed that it holds the lease. */
  confirmedBy: AgentPeer | undefined
  /** The lease may be written down as suspect. */
  isSuspect: boolean
  /** Why it is being given up: set for good, unless it was `lost` for want of progress and gets on after all. */
  ending: CloseReason | undefined
  /** By task index the fence of each attempt the agent has been sent, or says it holds. */
  readonly sent: Map<number, number>
  /** Attempts that failed since one last succeeded. */
  failures: number
  /** The call that tells the agent of the lease, while it is under way. */
  opening: Promise<unknown> | undefined
  isSyncing: boolean
  isDue: boolean
  graceTimer: Timer | undefined
  progressTimer: Timer | undefined
  expiryTimer: Timer | undefined
  retryTimer: Timer | undefined
  /** `elapsed` when an attempt last ended, or the first of several was sent. */
  progressAt: number
}

const endOf = ({ notice, until }: LeaseState): number => notice?.endsAt ?? until

/** A lease to be kept from now on, of whose agent nothing is known yet. */
export const keptLease = (
  { actor, state, hold, isNew }: { actor: JobActor; state: LeaseState; hold: Hold; isNew: boolean },
  world: Pick<World, 'now' | 'elapsed'>,
): KeptLease => ({
  actor,
  id: state.lease.record.id,
  provider: state.provider,
  endsAt: world.elapsed() + endOf(state) - world.now(),
  until: endOf(state),
  hold,
  isNew,
  isAlone: false,
  confirmedBy: undefined,
  isSuspect: state.phase === 'suspect',
  ending: undefined,
  sent: new Map(),
  failures: 0,
  opening: undefined,
  isSyncing: false,
  isDue: false,
  graceTimer: undefined,
  progressTimer: undefined,
  expiryTimer: undefined,
  retryTimer: undefined,
  progressAt: world.elapsed(),
})

/** The end of the lease was moved, by a notice or an amendment. */
export const moveEnd = (kept: KeptLease, state: LeaseState): void => {
  kept.endsAt += endOf(state) - kept.until
  kept.until = endOf(state)
}

export const stateOf = ({ actor, id }: KeptLease): LeaseState | undefined => actor.peek()?.leases.get(id)

/** The attempts of the lease that are running or claimed. */
export const inFlight = function* (job: Job, lease: LeaseId): Generator<AttemptRef> {
  for (const index of job.inFlight.get(lease) ?? []) {
    const fence = job.tasks[index]?.fence
    if (fence !== undefined) yield { index, fence }
  }
}

/** What an agent needs to know to run attempts of the lease. */
export const startBatchOf = (job: Job, lease: LeaseId, refs: readonly AttemptRef[]): StartBatch => ({
  job: job.id,
  lease,
  runtime: job.spec.runtime,
  program: job.spec.program,
  timeoutMs: job.spec.limits.taskTimeoutMs,
  tasks: refs.map(({ index, fence }) => ({ index, fence, inputs: job.spec.tasks[index]?.inputs ?? [] })),
})
