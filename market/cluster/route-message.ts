import { parseAttemptId, type AgentMessage, type AgentPeer, type JobId, type Log } from '@muster/protocol'
import type { Jobs } from '../job/jobs.ts'
import type { NodeId, NodeRow } from '../store/node-store.ts'
import type { JobOwners } from './job-owners.ts'
import type { Outbox } from './outbox.ts'

export interface RouteMessageModules {
  readonly jobs: Pick<Jobs, 'get'>
  readonly jobOwners: JobOwners
  readonly others: () => readonly NodeRow[]
  readonly outbox: Outbox
  readonly take: (peer: AgentPeer, message: AgentMessage) => void
  readonly log: Log
}

/** What an agent that is linked here says, to the nodes that write the jobs it speaks of. */
export type RouteMessage = (peer: AgentPeer, message: AgentMessage) => void

const rememberedOwners = 50_000

const jobsIn = (attempts: Iterable<string>): ReadonlySet<JobId> => {
  const jobs = new Set<JobId>()
  let before: string | undefined
  for (const attempt of attempts) {
    if (before !== undefined && attempt.startsWith(before)) continue
    const job = parseAttemptId(attempt)?.job
    before = job === undefined ? undefined : `${job}.`
    if (job !== undefined) jobs.add(job)
  }
  return jobs
}

const attemptsIn = function* (message: AgentMessage): Generator<string> {
  if (message.type === 'failures') for (const { attempt } of message.failures) yield attempt
  if (message.type === 'claims')
    for (const { claims } of message.batches) for (const { attempt } of claims) yield attempt
}

export const createRouteMessage = (modules: RouteMessageModules): RouteMessage => {
  const { jobs, jobOwners, others, outbox, take, log } = modules
  const owners = new Map<JobId, NodeId>()

  const nodeOf = (job: JobId): NodeRow | undefined => {
    const owner = owners.get(job)
    const node = others().find(({ id }) => id === owner)
    if (node === undefined) owners.delete(job)
    return node
  }

  /** Whether it could be found out who writes them. */
  const lookUp = async (peer: AgentPeer, unknown: readonly JobId[]): Promise<boolean> => {
    const asked = unknown.filter((job) => nodeOf(job) === undefined)
    if (asked.length === 0) return true
    const found = await jobOwners.ofOpen(peer, asked)
    if (found === undefined) return false
    for (const [job, owner] of found) owners.set(job, owner)
    for (const oldest of owners.keys()) {
      if (owners.size <= rememberedOwners) break
      owners.delete(oldest)
    }
    return true
  }

  const pass = async (peer: AgentPeer, message: AgentMessage, named: ReadonlySet<JobId>): Promise<void> => {
    const unknown = [...named].filter((job) => jobs.get(job) === undefined)
    if (unknown.length > 0 && !(await lookUp(peer, unknown))) {
      log.debug('an agent speaks of too many jobs that are not open; it may say it again', { provider: peer.provider })
      return
    }
    const nodes = new Set<NodeRow>()
    for (const job of unknown) {
      const node = nodeOf(job)
      if (node !== undefined) nodes.add(node)
    }
    const { provider, epoch } = peer
    for (const node of nodes) outbox.send(node, { to: 'node', provider, epoch, message })
    if (named.size === 0 || [...named].some((job) => jobs.get(job) !== undefined || nodeOf(job) === undefined))
      take(peer, message)
  }

  return (peer, message) => {
    switch (message.type) {
      case 'claims':
      case 'failures': {
        const named = jobsIn(attemptsIn(message))
        if ([...named].every((job) => jobs.get(job) !== undefined)) return take(peer, message)
        return void pass(peer, message, named).catch((error: unknown) =>
          log.info('could not find out who writes a job; its agent says it again', { provider: peer.provider, error }),
        )
      }
      case 'offers':
      case 'want':
      case 'want-transcript':
      case 'ping':
        return take(peer, message)
      default:
        // Of leases, which any node may have opened: each looks whether it did.
        take(peer, message)
        for (const node of others())
          outbox.send(node, { to: 'node', provider: peer.provider, epoch: peer.epoch, message })
    }
  }
}
