import type { TimelineEvent } from '@muster/sdk'

export type LeaseStanding = 'open' | 'suspected' | 'noticed'

/** One lease that a job holds, and what was handed out to it and has not come back. */
export interface HeldLease {
  readonly provider: string
  readonly state: LeaseStanding
  readonly handedOut: number
  /** When the oldest of it was handed out, ms; `null` where there is none. */
  readonly since: number | null
}

interface Holding {
  readonly provider: string
  state: LeaseStanding
  /** Attempts by when they were handed out, oldest first. */
  readonly attempts: Map<string, number>
}

const states: Readonly<Record<string, LeaseStanding>> = {
  'lease-suspected': 'suspected',
  'lease-recovered': 'open',
  'lease-noticed': 'noticed',
}

const endings = new Set(['accepted', 'lost', 'failed', 'cancelled-attempts'])

/** The leases a job holds after these events of its timeline, which begins with its first. */
export const readStanding = (events: readonly TimelineEvent[]): HeldLease[] => {
  const held = new Map<string, Holding>()
  const holders = new Map<string, string>()
  for (const { type, at, lease, provider, tasks = [] } of events) {
    const holding = lease === undefined ? undefined : held.get(lease)
    if (type === 'lease-opened' && lease !== undefined) {
      held.set(lease, { provider: provider ?? 'unknown', state: 'open', attempts: new Map() })
    } else if (type === 'lease-closed' && lease !== undefined) held.delete(lease)
    else if (holding !== undefined) holding.state = states[type] ?? holding.state
    for (const { index, fence } of tasks) {
      const attempt = `${index}.${fence}`
      if (type === 'dispatched' && lease !== undefined) {
        holders.set(attempt, lease)
        holding?.attempts.set(attempt, at)
      } else if (endings.has(type)) held.get(holders.get(attempt) ?? '')?.attempts.delete(attempt)
    }
  }
  return [...held.values()].map(({ provider, state, attempts }) => ({
    provider,
    state,
    handedOut: attempts.size,
    since: attempts.values().next().value ?? null,
  }))
}
