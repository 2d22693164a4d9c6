import type { AgentPeer, JobId, World } from '@muster/protocol'
import type { NodeId, NodeRow } from '../store/node-store.ts'

/** Who writes jobs that agents speak of and this node does not write. */
export interface JobOwners {
  /**
   * The owners of those of the jobs that are open; `undefined` where this link has asked too much of late. A node that is up keeps
   * its jobs until they are closed: what was found to be its own is not asked for anew, and is up to that node. A job that was not
   * open when an agent first spoke of it never is again, unless the agent made it up: it is not asked for anew over that link.
   */
  ofOpen(peer: AgentPeer, jobs: readonly JobId[]): Promise<ReadonlyMap<JobId, NodeId> | undefined>
}

export interface JobOwnersModules {
  readonly world: World
  /** Of those that are not closed. */
  readonly ownersOf: (jobs: readonly JobId[]) => Promise<ReadonlyMap<JobId, NodeId>>
  /** The other nodes that are up. */
  readonly others: () => readonly Pick<NodeRow, 'id'>[]
}

/** Jobs one link may ask for at once, and how many a second after that. One message may go beyond it. */
const burst = 1_024
const perSecond = 64
/** Of a link. What one agent makes up is nothing to another: whoever named a job beforehand could hide it from those who work for it. */
const rememberedClosed = 256
/** Of one message, which is looked at again once it was routed. */
const rememberedOfMessage = 4_096
/** Of all links. */
const rememberedOwners = 50_000

interface Asking {
  left: number
  /** `elapsed` when `left` was right. */
  at: number
  /** Oldest first. */
  readonly closed: Set<JobId>
}

export const createJobOwners = ({ world, ownersOf, others }: JobOwnersModules): JobOwners => {
  const links = new WeakMap<AgentPeer, Asking>()
  /** Oldest first. */
  const owners = new Map<JobId, NodeId>()

  const knownOwner = (job: JobId): NodeId | undefined => {
    const owner = owners.get(job)
    if (owner === undefined || others().some(({ id }) => id === owner)) return owner
    owners.delete(job)
    return undefined
  }

  const remember = (found: ReadonlyMap<JobId, NodeId>): void => {
    for (const [job, owner] of found) owners.set(job, owner)
    for (const oldest of owners.keys()) {
      if (owners.size <= rememberedOwners) return
      owners.delete(oldest)
    }
  }

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
      const open = new Map<JobId, NodeId>()
      const asked: JobId[] = []
      for (const job of jobs) {
        const owner = knownOwner(job)
        if (owner !== undefined) open.set(job, owner)
        else if (!asking.closed.has(job)) asked.push(job)
      }
      if (asked.length === 0) return open
      if (asking.left < 1) return undefined
      asking.left -= asked.length
      const found = await ownersOf(asked)
      remember(found)
      for (const job of asked) if (!found.has(job)) asking.closed.add(job)
      const most = Math.max(rememberedClosed, Math.min(asked.length, rememberedOfMessage))
      for (const oldest of asking.closed) {
        if (asking.closed.size <= most) break
        asking.closed.delete(oldest)
      }
      return new Map([...open, ...found])
    },
  }
}
