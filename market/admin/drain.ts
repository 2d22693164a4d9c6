import { MusterError, type World } from '@muster/protocol'

export interface Draining {
  readonly since: number
  readonly by: string
  readonly reason: string
}

/** Whether the market takes new jobs. A new one does, and one whose every node was stopped. */
export interface Drain {
  begin(by: string, reason: string): Promise<void>
  end(): Promise<void>
  /** What the other nodes were told, asked for at this `elapsed`. */
  learn(found: Draining | null, askedAt: number): void
  now(): Draining | null
  /** Throws `unavailable` while draining. */
  requireOpen(): void
}

const retryAfterMs = 60_000

export const createDrain = (
  world: World,
  /** Tells the other nodes. */
  share: (draining: Draining | null) => Promise<void> = async () => {},
): Drain => {
  let draining: Draining | null = null
  let changedAt = -Infinity
  const change = async (to: Draining | null): Promise<void> => {
    draining = to
    changedAt = Infinity
    try {
      await share(to)
    } finally {
      changedAt = world.elapsed()
    }
  }
  return {
    begin: (by, reason) => change({ since: draining?.since ?? world.now(), by, reason }),
    end: () => change(null),
    learn: (found, askedAt) => {
      if (askedAt > changedAt) draining = found
    },
    now: () => draining,
    requireOpen: () => {
      if (draining === null) return
      throw new MusterError({
        code: 'unavailable',
        message: `This market takes no new jobs for now (${draining.reason}). Nothing was charged; the jobs it has run on.`,
        facts: { since: draining.since, reason: draining.reason },
        retryAfterMs,
      })
    },
  }
}
