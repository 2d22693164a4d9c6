import {
  MusterError,
  attemptId,
  digestOf,
  type Address,
  type AgentPeer,
  type AttemptRef,
  type CloseReason,
  type Job,
  type LeaseId,
  type Log,
  type StartBatch,
  type Starts,
  type World,
} from '@muster/protocol'
import { blobBytesOf, type PackBounds, type PackStarts } from '../attempt/pack-starts.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { PlantedBug } from '../planted-bug.ts'
import type { Supply } from '../supply/supply.ts'
import type { HoldingsOf } from './holdings.ts'
import { inFlight, keptLease, moveEnd, startBatchOf, stateOf, type KeptLease } from './kept-lease.ts'
import { createLeaseTimers } from './lease-timers.ts'
import { loseLease } from './lose-lease.ts'
import { isPassing, type TellClosed } from './tell-closed.ts'

export interface LeaseKeeperOptions {
  /** How long an agent may be out of reach before its work is given to others. */
  readonly graceMs: number
  /** The same for the leases a restarted market takes up, whose agents have yet to notice and dial again. */
  readonly restartGraceMs: number
  /** Added to a task's time limit before a lease without any progress counts as lost. */
  readonly progressSlackMs: number
}

/** `broken`: it failed, and the provider is to blame; for a program that crashes it is not. */
export type AttemptEnd = 'done' | 'failed' | 'broken' | 'stopped'

export interface LeaseKeeperModules {
  readonly world: World
  readonly supply: Supply
  readonly holdings: HoldingsOf
  readonly packStarts: PackStarts
  readonly tellClosed: TellClosed
  /** Whether it was found out since then (`elapsed`) which agents other nodes reach. */
  readonly knowsLinksSince: (at: number) => boolean
  /** Looks whether the job wants other slots. */
  readonly reconsider: (actor: JobActor) => void
  readonly log: Log
  readonly bugs: ReadonlySet<PlantedBug>
}

/**
 * Keeps every open lease in step with its agent: tells it of the lease, sends what is dispatched, finds out after a
 * broken link or a restart what it still holds, and gives the lease up only when it stays out of reach past the grace
 * period. Everything it knows is found again from the job's state and the agent's holdings.
 */
export interface LeaseKeeper {
  /** `isNew`: opened by this process just now, so that the agent cannot know of it. */
  keep(actor: JobActor, lease: LeaseId, isNew: boolean): void
  /** Attempts were dispatched to the lease. */
  dispatched(lease: LeaseId): void
  /** The attempt at this task of the lease ended. A lease on which one after the other fails is given up. */
  ended(lease: LeaseId, index: number, how: AttemptEnd): void
  /** The provider gave notice of the lease, or both sides amended it. */
  changed(lease: LeaseId): void
  /** Whether its time is up, however the clock was set meanwhile. */
  isOver(lease: LeaseId): boolean
  /** The lease is closed: tells the agent. */
  drop(lease: LeaseId): void
  /** Lets go of the leases of a job that another node writes now; their agents are told nothing. */
  disown(actor: JobActor): void
  onLinked(peer: AgentPeer): void
  onUnlinked(peer: AgentPeer): void
  has(lease: LeaseId): boolean
  /** The job of a lease that is not closed, where the lease is the provider's. */
  jobOf(lease: LeaseId, provider: Address): JobActor | undefined
  /** The jobs that hold leases of the provider. */
  jobsOf(provider: Address): Iterable<Job>
  stop(): void
}

const callTimeoutMs = 5_000
const retryMs = 1_000
/** What a message may take on its way, and timers of two machines differ. */
const endSlackMs = 1_000
/** What goes along with a new lease: agents take 256 KiB to a call, and so much at once. */
const firstBounds: PackBounds = { bytes: 32 * 1024, tasks: 256 }
/** Attempts in a row that may fail on a lease: fewer than a task may, so that it is tried elsewhere before it is given up. */
const maxFailures = 2

/** The agent takes no more calls this large now, whatever they are. */
const isCrowded = (error: unknown): boolean => error instanceof MusterError && error.code === 'rate_limited'

export const createLeaseKeeper = (options: LeaseKeeperOptions, modules: LeaseKeeperModules): LeaseKeeper => {
  const { world, supply, holdings, packStarts, tellClosed, knowsLinksSince, reconsider, log, bugs } = modules
  const leases = new Map<LeaseId, KeptLease>()
  const byProvider = new Map<Address, Set<KeptLease>>()
  let isStopped = false

  const isKept = (kept: KeptLease): boolean => !isStopped && leases.get(kept.id) === kept

  const retryLater = (kept: KeptLease): void => {
    kept.retryTimer ??= world.after(retryMs, () => {
      kept.retryTimer = undefined
      void sync(kept)
    })
  }

  const giveUp = async (kept: KeptLease, reason: CloseReason): Promise<void> => {
    log.info('gave up a lease', { lease: kept.id, reason })
    try {
      await kept.actor.step((draft) => {
        if (reason === 'lost' && kept.ending === undefined && kept.confirmedBy !== undefined) return
        loseLease(draft, kept.id, reason, world)
      })
    } catch (error) {
      log.warn('could not give up a lease; trying again', { lease: kept.id, error })
      retryLater(kept)
    }
  }

  const timers = createLeaseTimers(options, {
    world,
    isKept,
    onStalled: (kept) => {
      kept.ending = 'lost'
      supply.rest(kept.provider)
      void giveUp(kept, 'lost')
    },
    onExpired: (kept) => {
      kept.actor.wake()
      reconsider(kept.actor)
    },
    onOverdue: (kept) => {
      kept.ending = stateOf(kept)?.notice === null ? 'expired' : 'returned'
      void giveUp(kept, kept.ending)
    },
  })

  /** Out of reach: waits out the grace period, for which nothing is decided. */
  const suspect = (kept: KeptLease, graceMs = options.graceMs): void => {
    kept.confirmedBy = undefined
    if (kept.graceTimer !== undefined || !isKept(kept)) return
    if (bugs.has('probe-skipped')) return void giveUp(kept, 'lost')
    kept.isSuspect = true
    const since = world.elapsed()
    const judge = (): void => {
      kept.graceTimer = undefined
      if (!isKept(kept) || kept.confirmedBy !== undefined) return
      if (knowsLinksSince(since)) void giveUp(kept, 'lost')
      else kept.graceTimer = world.after(retryMs, judge)
    }
    kept.graceTimer = world.after(graceMs, judge)
    kept.actor
      .step((draft) => {
        if (kept.confirmedBy === undefined && draft.job.leases.get(kept.id)?.phase === 'open')
          draft.emit({ type: 'lease-suspected', at: draft.now, lease: kept.id })
      })
      .catch((error: unknown) => log.warn('could not suspect a lease', { lease: kept.id, error }))
  }

  const recover = async (kept: KeptLease): Promise<void> => {
    try {
      await kept.actor.step((draft) => {
        if (draft.job.leases.get(kept.id)?.phase === 'suspect')
          draft.emit({ type: 'lease-recovered', at: draft.now, lease: kept.id })
      })
      if (kept.confirmedBy !== undefined) kept.isSuspect = false
    } catch (error) {
      log.warn('could not write that a lease recovered; trying again', { lease: kept.id, error })
      retryLater(kept)
    }
  }

  const sendStarts = async (peer: AgentPeer, batch: StartBatch): Promise<void> => {
    for await (const starts of packStarts(batch)) peer.send({ type: 'start', ...starts })
  }

  /** The planted bug: what one agent holds is given to the others as well. */
  const dispatchTwice = (kept: KeptLease, job: Job): void => {
    for (const other of leases.values()) {
      if (other === kept || other.actor !== kept.actor || other.confirmedBy === undefined) continue
      void sendStarts(other.confirmedBy, startBatchOf(job, other.id, [...inFlight(job, kept.id)]))
    }
  }

  const takeOver = (kept: KeptLease, job: Job, attempts: ReadonlySet<string>): void => {
    if (bugs.has('double-dispatch-on-restart')) dispatchTwice(kept, job)
    for (const ref of inFlight(job, kept.id)) {
      const isHeld = attempts.has(attemptId(job.id, ref.index, ref.fence)) || bugs.has('effect-lost-after-commit')
      if (isHeld) kept.sent.set(ref.index, ref.fence)
    }
  }

  /** Asks or tells the agent until both sides agree that the lease is held. */
  const confirm = async (kept: KeptLease, peer: AgentPeer): Promise<void> => {
    const held = kept.isNew ? undefined : await holdings(peer)
    const job = kept.actor.peek()
    const state = stateOf(kept)
    // It may have been closed, and its agent told so, while that was on its way.
    if (job === undefined || state === undefined || !isKept(kept)) return
    if (held?.leases.has(kept.id) === true) {
      kept.sent.clear()
      return takeOver(kept, job, held.attempts)
    }
    kept.sent.clear()
    const first = kept.isAlone ? null : await firstStarts(job, kept)
    if (!isKept(kept)) return
    // What the agent does not take on it says has failed.
    for (const { tasks } of first?.batches ?? []) for (const { index, fence } of tasks) kept.sent.set(index, fence)
    const request = { lease: state.lease, reservation: digestOf(state.reservation.record), first }
    kept.opening = peer.call('open-lease', request, { timeoutMs: callTimeoutMs })
    try {
      await kept.opening
    } finally {
      kept.opening = undefined
    }
    kept.isNew = false
  }

  /** As many of the lease's attempts as go along with it. */
  const firstStarts = async (job: Job, kept: KeptLease): Promise<Starts | null> => {
    const refs = [...inFlight(job, kept.id)]
    if (refs.length === 0) return null
    for await (const starts of packStarts(startBatchOf(job, kept.id, refs), firstBounds))
      return blobBytesOf(starts) <= 2 * firstBounds.bytes ? starts : null
    return null
  }

  const sendDispatched = (kept: KeptLease, peer: AgentPeer): void => {
    const job = kept.actor.peek()
    if (job === undefined) return
    const unsent: AttemptRef[] = []
    const wasIdle = kept.sent.size === 0
    for (const ref of inFlight(job, kept.id)) {
      if (kept.sent.get(ref.index) === ref.fence) continue
      kept.sent.set(ref.index, ref.fence)
      unsent.push(ref)
    }
    if (wasIdle) kept.progressAt = world.elapsed()
    timers.watchProgress(kept)
    if (unsent.length === 0) return
    sendStarts(peer, startBatchOf(job, kept.id, unsent)).catch((error: unknown) => {
      log.warn('could not send attempts to an agent; trying again', { lease: kept.id, error })
      for (const { index } of unsent) kept.sent.delete(index)
      retryLater(kept)
    })
  }

  const syncOnce = async (kept: KeptLease): Promise<void> => {
    const state = stateOf(kept)
    if (state === undefined || state.phase === 'closed') return
    if (kept.ending !== undefined) return giveUp(kept, kept.ending)
    const peer = supply.peer(kept.provider)
    if (peer === undefined) return suspect(kept)
    if (kept.confirmedBy !== peer) {
      await confirm(kept, peer)
      if (!isKept(kept)) return
      if (supply.peer(kept.provider) !== peer) {
        kept.isDue = true
        return
      }
      kept.confirmedBy = peer
      kept.progressAt = world.elapsed()
      kept.graceTimer?.cancel()
      kept.graceTimer = undefined
    }
    if (kept.isSuspect) await recover(kept)
    if (isKept(kept) && kept.confirmedBy === peer) sendDispatched(kept, peer)
  }

  const sync = async (kept: KeptLease): Promise<void> => {
    kept.isDue = true
    if (kept.isSyncing) return
    kept.isSyncing = true
    while (kept.isDue && isKept(kept)) {
      kept.isDue = false
      try {
        await syncOnce(kept)
      } catch (error) {
        if (isCrowded(error)) {
          log.info('an agent has too much under way to hear of a lease; trying again', { lease: kept.id, error })
          kept.isAlone = true
          retryLater(kept)
        } else if (isPassing(error)) {
          log.info('could not reach an agent about a lease; trying again', { lease: kept.id, error })
          suspect(kept)
          retryLater(kept)
        } else if (isKept(kept)) {
          log.info('an agent refused a lease', { lease: kept.id, provider: kept.provider, error })
          const isTooLate = error instanceof MusterError && error.code === 'reservation_expired'
          if (!isTooLate) supply.rest(kept.provider)
          kept.ending = 'refused'
          await giveUp(kept, 'refused')
        }
      }
    }
    kept.isSyncing = false
  }

  const forget = (kept: KeptLease): void => {
    leases.delete(kept.id)
    timers.clear(kept)
    const ofProvider = byProvider.get(kept.provider)
    ofProvider?.delete(kept)
    if (ofProvider?.size === 0) byProvider.delete(kept.provider)
  }

  return {
    keep: (actor, lease, isNew) => {
      const state = actor.peek()?.leases.get(lease)
      if (state === undefined || leases.has(lease) || isStopped) return
      const hold = supply.take(state.provider, state.slots, state.reservation.record.id)
      const kept = keptLease({ actor, state, hold, isNew }, world)
      leases.set(lease, kept)
      const ofProvider = byProvider.get(kept.provider) ?? new Set()
      byProvider.set(kept.provider, ofProvider.add(kept))
      timers.watchExpiry(kept)
      if (!isNew && supply.peer(kept.provider) === undefined) suspect(kept, options.restartGraceMs)
      else void sync(kept)
    },
    dispatched: (lease) => {
      const kept = leases.get(lease)
      if (kept !== undefined) void sync(kept)
    },
    ended: (lease, index, how) => {
      const kept = leases.get(lease)
      if (kept === undefined) return
      kept.progressAt = world.elapsed()
      kept.sent.delete(index)
      if (kept.ending === 'lost') {
        // It got on after all, before it was written that it did not.
        kept.ending = undefined
        void sync(kept)
      }
      if (how === 'done') kept.failures = 0
      if (how === 'done' || how === 'stopped' || ++kept.failures < maxFailures) return
      if (kept.ending !== undefined) return
      if (how === 'broken') supply.rest(kept.provider)
      kept.ending = 'refused'
      void giveUp(kept, 'refused')
    },
    changed: (lease) => {
      const kept = leases.get(lease)
      if (kept === undefined) return
      timers.watchExpiry(kept)
      const state = stateOf(kept)
      if (state === undefined) return
      moveEnd(kept, state)
      kept.hold.shrink(state.slots)
    },
    isOver: (lease) => {
      const kept = leases.get(lease)
      return kept === undefined || world.elapsed() + endSlackMs >= kept.endsAt
    },
    drop: (lease) => {
      const kept = leases.get(lease)
      if (kept === undefined) return
      forget(kept)
      const tell = () => {
        // The agent frees the slots as soon as it hears of this, so an order that follows finds them free.
        void tellClosed(kept.provider, lease)
        kept.hold.giveBack()
      }
      // Calls may overtake each other, and a lease that an agent opens after it heard of its end would stay open.
      if (kept.opening === undefined) tell()
      else void kept.opening.then(tell, tell)
    },
    disown: (actor) => {
      for (const kept of [...leases.values()]) {
        if (kept.actor !== actor) continue
        forget(kept)
        kept.hold.giveBack()
      }
    },
    onLinked: (peer) => {
      for (const kept of byProvider.get(peer.provider) ?? []) void sync(kept)
    },
    onUnlinked: (peer) => {
      if (supply.peer(peer.provider) !== undefined) return
      for (const kept of [...(byProvider.get(peer.provider) ?? [])]) suspect(kept)
    },
    has: (lease) => leases.has(lease),
    jobOf: (lease, provider) => {
      const kept = leases.get(lease)
      return kept?.provider === provider ? kept.actor : undefined
    },
    jobsOf: (provider) => {
      const actors = new Set([...(byProvider.get(provider) ?? [])].map(({ actor }) => actor))
      return [...actors].flatMap((actor) => actor.peek() ?? [])
    },
    stop: () => {
      isStopped = true
      for (const kept of leases.values()) timers.clear(kept)
    },
  }
}
