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

  const pass = async (peer: AgentPeer, message: AgentMessage, named: ReadonlySet<JobId>): Promise<void> => {
    const unknown = [...named].filter((job) => jobs.get(job) === undefined)
    const owners = unknown.length === 0 ? new Map<JobId, NodeId>() : await jobOwners.ofOpen(peer, unknown)
    if (owners === undefined) {
      log.debug('an agent speaks of too many jobs that are not open; it may say it again', { provider: peer.provider })
      return
    }
    const up = new Map(others().map((node) => [node.id, node]))
    const nodeOf = (job: JobId): NodeRow | undefined => up.get(owners.get(job) ?? '')
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
