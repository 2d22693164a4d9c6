import type { AgentPeer, JobId, World } from '@muster/protocol'
import type { NodeId } from '../store/node-store.ts'

/** Who writes jobs that agents speak of and this node does not write. */
export interface JobOwners {
  /**
   * The owners of those of the jobs that are open, as the store says now; `undefined` where this link has asked too much of late. A job that was not
   * open when an agent first spoke of it never is again, unless the agent made it up: it is not asked for anew over that link.
   */
  ofOpen(peer: AgentPeer, jobs: readonly JobId[]): Promise<ReadonlyMap<JobId, NodeId> | undefined>
}

export interface JobOwnersModules {
  readonly world: World
  /** Of those that are not closed. */
  readonly ownersOf: (jobs: readonly JobId[]) => Promise<ReadonlyMap<JobId, NodeId>>
}

/** Jobs one link may ask for at once, and how many a second after that. One message may go beyond it. */
const burst = 1_024
const perSecond = 64
/** Of a link. What one agent makes up is nothing to another: whoever named a job beforehand could hide it from those who work for it. */
const rememberedClosed = 256
/** Of one message, which is looked at again once it was routed. */
const rememberedOfMessage = 4_096

interface Asking {
  left: number
  /** `elapsed` when `left` was right. */
  at: number
  /** Oldest first. */
  readonly closed: Set<JobId>
}

export const createJobOwners = ({ world, ownersOf }: JobOwnersModules): JobOwners => {
  const links = new WeakMap<AgentPeer, Asking>()

  const askingOf = (peer: AgentPeer): Asking => {
    const now = world.elapsed()
    const asking = links.get(peer) ?? { left: burst, at: now, closed: new Set() }
    links.set(peer, asking)
    asking.left = Math.min(burst, asking.left + ((now - asking.at) * perSecond) / 1_000)
    asking.at = now
    return asking
  }

  return {
    ofOpen: async (peer, jobs) => {
      const asking = askingOf(peer)
      const asked = jobs.filter((job) => !asking.closed.has(job))
      if (asked.length === 0) return new Map()
      if (asking.left < 1) return undefined
      asking.left -= asked.length
      const owners = await ownersOf(asked)
      for (const job of asked) if (!owners.has(job)) asking.closed.add(job)
      const most = Math.max(rememberedClosed, Math.min(asked.length, rememberedOfMessage))
      for (const oldest of asking.closed) {
        if (asking.closed.size <= most) break
        asking.closed.delete(oldest)
      }
      return owners
    },
  }
}
