import { MusterError, type World } from '@muster/protocol'

export interface Draining {
  readonly since: number
  readonly by: string
  readonly reason: string
}

/** Whether this node takes new jobs. A new process does. */
export interface Drain {
  begin(by: string, reason: string): void
  end(): void
  now(): Draining | null
  /** Throws `unavailable` while draining. */
  requireOpen(): void
}

const retryAfterMs = 60_000

export const createDrain = (world: World): Drain => {
  let draining: Draining | null = null
  return {
    begin: (by, reason) => {
      draining = { since: draining?.since ?? world.now(), by, reason }
    },
    end: () => {
      draining = null
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
