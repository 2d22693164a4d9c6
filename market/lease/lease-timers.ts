import type { Timer, World } from '@muster/protocol'
import { stateOf, type KeptLease } from './kept-lease.ts'

export interface LeaseTimerOptions {
  /** Added to a task's time limit before a lease without any progress counts as lost, and to a lease's end before its attempts do. */
  readonly progressSlackMs: number
}

export interface LeaseTimerModules {
  readonly world: World
  readonly isKept: (kept: KeptLease) => boolean
  /** No attempt ended for too long. */
  readonly onStalled: (kept: KeptLease) => void
  /** The lease takes no more work; attempts in flight may still end. */
  readonly onExpired: (kept: KeptLease) => void
  /** The lease is over, with attempts still in flight. */
  readonly onOverdue: (kept: KeptLease) => void
}

export interface LeaseTimers {
  /** Sees to it that attempts in flight get on. */
  watchProgress(kept: KeptLease): void
  /** Sees to its end as it is now: again after a notice or an amendment. */
  watchExpiry(kept: KeptLease): void
  /** Cancels all timers of the lease. */
  clear(kept: KeptLease): void
}

/** A timer of a platform holds 24 days at most; a longer wait is made of several. */
const longestTimerMs = 3_600_000

export const createLeaseTimers = ({ progressSlackMs }: LeaseTimerOptions, modules: LeaseTimerModules): LeaseTimers => {
  const { world, isKept, onStalled, onExpired, onOverdue } = modules
  const held = (kept: KeptLease): number => kept.actor.peek()?.inFlight.get(kept.id)?.size ?? 0

  const watchProgress = (kept: KeptLease): void => {
    const job = kept.actor.peek()
    if (kept.progressTimer !== undefined || job === undefined || held(kept) === 0) return
    const limitMs = job.spec.limits.taskTimeoutMs + progressSlackMs
    const leftMs = kept.progressAt + limitMs - world.elapsed()
    kept.progressTimer = world.after(Math.min(longestTimerMs, Math.max(1, leftMs)), () => {
      kept.progressTimer = undefined
      if (!isKept(kept) || held(kept) === 0) return
      if (world.elapsed() - kept.progressAt >= limitMs) onStalled(kept)
      else watchProgress(kept)
    })
  }

  const at = (time: number, keep: (timer: Timer) => void, action: () => void): void => {
    const leftMs = Math.min(longestTimerMs, Math.max(1, time - world.now()))
    keep(world.after(leftMs, () => (world.now() >= time ? action() : at(time, keep, action))))
  }

  const watchExpiry = (kept: KeptLease): void => {
    const state = stateOf(kept)
    if (state === undefined) return
    kept.expiryTimer?.cancel()
    const endsAt = state.notice?.endsAt ?? state.until
    const keep = (timer: Timer) => (kept.expiryTimer = timer)
    at(endsAt, keep, () => {
      if (!isKept(kept)) return
      onExpired(kept)
      at(endsAt + progressSlackMs, keep, () => {
        if (isKept(kept)) onOverdue(kept)
      })
    })
  }

  return {
    watchProgress,
    watchExpiry,
    clear: ({ graceTimer, progressTimer, expiryTimer, retryTimer }) => {
      graceTimer?.cancel()
      progressTimer?.cancel()
      expiryTimer?.cancel()
      retryTimer?.cancel()
    },
  }
}
