import {
  MusterError,
  attemptId,
  digestOf,
  type AgentPeer,
  type AttemptId,
  type Job,
  type LeaseId,
  type Log,
  type Start,
  type Timer,
  type World,
} from '@muster/protocol'
import { attemptsOf } from '../attempt/attempts-of.ts'
import type { SendStarts } from '../attempt/send-starts.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { PlantedBug } from '../planted-bug.ts'
import type { Supply } from '../supply/supply.ts'
import type { HoldingsOf } from './holdings.ts'
import { loseLease } from './lose-lease.ts'

export interface LeaseKeeperOptions {
  /** How long an agent may be out of reach before its work is given to others. */
  readonly graceMs: number
  /** Added to a task's time limit before a lease without any progress counts as lost. */
  readonly progressSlackMs: number
}

export interface LeaseKeeperModules {
  readonly world: World
  readonly supply: Supply
  readonly holdings: HoldingsOf
  readonly sendStarts: SendStarts
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
  /** An attempt of the lease ended one way or the other. */
  progressed(lease: LeaseId): void
  /** The lease is closed: tells the agent. */
  drop(lease: LeaseId): void
  onLinked(peer: AgentPeer): void
  onUnlinked(peer: AgentPeer): void
  has(lease: LeaseId): boolean
  stop(): void
}

interface Kept {
  readonly actor: JobActor
  readonly lease: LeaseId
  isNew: boolean
  /** The link over which the agent confirmed that it holds the lease. */
  confirmedBy: AgentPeer | undefined
  /** Attempts the agent has been sent, or says it holds. */
  readonly sent: Set<string>
  isSyncing: boolean
  isDue: boolean
  graceTimer: Timer | undefined
  progressTimer: Timer | undefined
  progressAt: number
}

const callTimeoutMs = 5_000
const retryMs = 1_000

/** Errors that say nothing of the lease: the link broke or was slow. */
const isPassing = (error: unknown): boolean =>
  error instanceof MusterError &&
  (error.code === 'link_closed' || error.code === 'timeout' || error.code === 'cancelled')

/** What an agent needs to know to run the attempts of a lease. */
const startsOf = (job: Job, lease: LeaseId): Start[] =>
  attemptsOf(job, lease).map(({ index, fence }) => {
    const { runtime, program, limits } = job.spec
    const inputs = job.spec.tasks[index]?.inputs ?? []
    return {
      attempt: attemptId(job.id, index, fence),
      lease,
      runtime,
      program,
      inputs,
      timeoutMs: limits.taskTimeoutMs,
    }
  })

export const createLeaseKeeper = (options: LeaseKeeperOptions, modules: LeaseKeeperModules): LeaseKeeper => {
  const { world, supply, holdings, sendStarts, log, bugs } = modules
  const leases = new Map<LeaseId, Kept>()
  let isStopped = false

  const jobOf = (kept: Kept): Job | undefined => kept.actor.peek()
  const stateOf = (kept: Kept) => jobOf(kept)?.leases.get(kept.lease)

  const inFlight = (kept: Kept): AttemptId[] => {
    const job = jobOf(kept)
    if (job === undefined) return []
    return attemptsOf(job, kept.lease).map(({ index, fence }) => attemptId(job.id, index, fence))
  }

  const lose = (kept: Kept, reason: 'lost' | 'refused' | 'expired'): void => {
    log.info('gave up a lease', { lease: kept.lease, reason })
    kept.actor
      .step((draft) => loseLease(draft, kept.lease, reason, world))
      .catch((error: unknown) => log.warn('could not give up a lease', { lease: kept.lease, error }))
  }

  const suspect = (kept: Kept): void => {
    kept.confirmedBy = undefined
    if (kept.graceTimer !== undefined || isStopped) return
    if (bugs.has('probe-skipped')) return lose(kept, 'lost')
    kept.graceTimer = world.after(options.graceMs, () => {
      kept.graceTimer = undefined
      if (leases.get(kept.lease) === kept && kept.confirmedBy === undefined) lose(kept, 'lost')
    })
    kept.actor
      .step((draft) => {
        if (draft.job.leases.get(kept.lease)?.phase === 'open')
          draft.emit({ type: 'lease-suspected', at: draft.now, lease: kept.lease })
      })
      .catch((error: unknown) => log.warn('could not suspect a lease', { lease: kept.lease, error }))
  }

  const confirmed = async (kept: Kept, peer: AgentPeer): Promise<void> => {
    kept.confirmedBy = peer
    kept.graceTimer?.cancel()
    kept.graceTimer = undefined
    if (stateOf(kept)?.phase !== 'suspect') return
    await kept.actor.step((draft) => {
      if (draft.job.leases.get(kept.lease)?.phase === 'suspect')
        draft.emit({ type: 'lease-recovered', at: draft.now, lease: kept.lease })
    })
  }

  /** The planted bug: what one agent holds is given to the others as well. */
  const dispatchTwice = (kept: Kept): void => {
    const job = jobOf(kept)
    for (const other of leases.values()) {
      if (job === undefined || other === kept || other.actor !== kept.actor || other.confirmedBy === undefined) continue
      sendStarts(
        other.confirmedBy,
        startsOf(job, kept.lease).map((start) => ({ ...start, lease: other.lease })),
      )
    }
  }

  /** Asks or tells the agent until both sides agree that the lease is held. */
  const confirm = async (kept: Kept, peer: AgentPeer): Promise<void> => {
    const state = stateOf(kept)
    if (state === undefined) return
    if (!kept.isNew) {
      const held = await holdings(peer)
      if (held.leases.has(kept.lease)) {
        kept.sent.clear()
        if (bugs.has('double-dispatch-on-restart')) dispatchTwice(kept)
        for (const attempt of bugs.has('effect-lost-after-commit') ? inFlight(kept) : held.attempts)
          kept.sent.add(attempt)
        return confirmed(kept, peer)
      }
    }
    await peer.call(
      'open-lease',
      { lease: state.lease, reservation: digestOf(state.reservation.record) },
      { timeoutMs: callTimeoutMs },
    )
    kept.isNew = false
    kept.sent.clear()
    return confirmed(kept, peer)
  }

  const watchProgress = (kept: Kept): void => {
    const job = jobOf(kept)
    if (kept.progressTimer !== undefined || job === undefined || isStopped) return
    const limitMs = job.spec.limits.taskTimeoutMs + options.progressSlackMs
    kept.progressTimer = world.after(Math.max(1, kept.progressAt + limitMs - world.elapsed()), () => {
      kept.progressTimer = undefined
      if (leases.get(kept.lease) !== kept || (jobOf(kept)?.inFlight.get(kept.lease)?.size ?? 0) === 0) return
      if (world.elapsed() - kept.progressAt >= limitMs) lose(kept, 'lost')
      else watchProgress(kept)
    })
  }

  const sendDispatched = (kept: Kept, peer: AgentPeer): void => {
    const job = jobOf(kept)
    if (job === undefined) return
    const starts = startsOf(job, kept.lease).filter(({ attempt }) => !kept.sent.has(attempt))
    if (starts.length === 0) return
    for (const { attempt } of starts) kept.sent.add(attempt)
    if (kept.progressTimer === undefined) kept.progressAt = world.elapsed()
    watchProgress(kept)
    sendStarts(peer, starts)
  }

  const syncOnce = async (kept: Kept): Promise<void> => {
    const state = stateOf(kept)
    if (state === undefined || state.phase === 'closed') return
    const peer = supply.peer(state.provider)
    if (peer === undefined) return suspect(kept)
    if (kept.confirmedBy !== peer) await confirm(kept, peer)
    if (kept.confirmedBy === peer) sendDispatched(kept, peer)
  }

  const sync = async (kept: Kept): Promise<void> => {
    kept.isDue = true
    if (kept.isSyncing) return
    kept.isSyncing = true
    try {
      while (kept.isDue && !isStopped && leases.get(kept.lease) === kept) {
        kept.isDue = false
        await syncOnce(kept)
      }
    } catch (error) {
      if (isPassing(error)) {
        log.info('could not reach an agent about a lease; trying again', { lease: kept.lease, error })
        suspect(kept)
        world.after(retryMs, () => void sync(kept))
      } else lose(kept, 'refused')
    } finally {
      kept.isSyncing = false
    }
  }

  const tellClosed = async (kept: Kept): Promise<void> => {
    const state = stateOf(kept)
    const peer = state === undefined ? undefined : supply.peer(state.provider)
    if (state === undefined || peer === undefined) return
    try {
      await peer.call('close-lease', { lease: kept.lease }, { timeoutMs: callTimeoutMs })
      supply.take(state.provider, state.reservation.record.offer, -state.lease.record.slots)
    } catch (error) {
      log.info('an agent was not told that a lease is closed; it learns when it links again', {
        lease: kept.lease,
        error,
      })
    }
  }

  const ofPeer = (peer: AgentPeer): Kept[] =>
    [...leases.values()].filter((kept) => stateOf(kept)?.provider === peer.provider)

  return {
    keep: (actor, lease, isNew) => {
      if (leases.has(lease)) return
      const kept: Kept = {
        actor,
        lease,
        isNew,
        confirmedBy: undefined,
        sent: new Set(),
        isSyncing: false,
        isDue: false,
        graceTimer: undefined,
        progressTimer: undefined,
        progressAt: world.elapsed(),
      }
      leases.set(lease, kept)
      void sync(kept)
    },
    dispatched: (lease) => {
      const kept = leases.get(lease)
      if (kept !== undefined) void sync(kept)
    },
    progressed: (lease) => {
      const kept = leases.get(lease)
      if (kept !== undefined) kept.progressAt = world.elapsed()
    },
    drop: (lease) => {
      const kept = leases.get(lease)
      if (kept === undefined) return
      leases.delete(lease)
      kept.graceTimer?.cancel()
      kept.progressTimer?.cancel()
      void tellClosed(kept)
    },
    onLinked: (peer) => {
      for (const kept of ofPeer(peer)) void sync(kept)
    },
    onUnlinked: (peer) => {
      for (const kept of ofPeer(peer)) if (supply.peer(peer.provider) === undefined) suspect(kept)
    },
    has: (lease) => leases.has(lease),
    stop: () => {
      isStopped = true
      for (const kept of leases.values()) {
        kept.graceTimer?.cancel()
        kept.progressTimer?.cancel()
      }
    },
  }
}
