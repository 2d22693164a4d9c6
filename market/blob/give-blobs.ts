import { decodeManifest } from '@muster/graph'
import { MusterError, toProblem, type AgentPeer, type Cid, type Job, type JobSpec, type Log } from '@muster/protocol'
import type { BlobStore } from './blob-store.ts'

export interface GiveBlobsModules {
  readonly blobs: BlobStore
  /** The jobs an agent holds leases of. */
  readonly jobsOf: (peer: AgentPeer) => Iterable<Job>
  readonly log: Log
}

/** Streams blobs to an agent that wants them, a few at a time, or tells it why not. */
export type GiveBlob = (peer: AgentPeer, wanted: { readonly cid: Cid }) => void

interface Queue {
  /** In order, each once. */
  readonly waiting: Set<Cid>
  running: number
}

const transfersAtOnce = 8
const maxWaiting = 4_096

const forbidden = (cid: Cid): MusterError =>
  new MusterError({
    code: 'forbidden',
    message: 'No lease of this agent needs this blob.',
    facts: { cid },
    fault: 'provider',
  })

const tooMany = (cid: Cid): MusterError =>
  new MusterError({
    code: 'rate_limited',
    message: `An agent may wait for ${maxWaiting} blobs at once.`,
    facts: { cid },
    fault: 'provider',
  })

export const createGiveBlobs = ({ blobs, jobsOf, log }: GiveBlobsModules): GiveBlob => {
  const queues = new WeakMap<AgentPeer, Queue>()
  const needed = new WeakMap<JobSpec, Promise<ReadonlySet<Cid>>>()

  const neededFor = ({ spec }: Job): Promise<ReadonlySet<Cid>> => {
    const known = needed.get(spec)
    if (known !== undefined) return known
    const reading = readNeeded(spec)
    needed.set(spec, reading)
    reading.catch(() => needed.delete(spec))
    return reading
  }

  /** What the tasks of a job read: their inputs, the program, and its model. */
  const readNeeded = async ({ program, tasks }: JobSpec): Promise<ReadonlySet<Cid>> => {
    const cids = new Set(tasks.flatMap(({ inputs }) => inputs.map(({ cid }) => cid)))
    if (program !== null) cids.add(program).add(decodeManifest(await blobs.read(program)).model)
    return cids
  }

  const isNeeded = async (peer: AgentPeer, cid: Cid): Promise<boolean> => {
    for (const job of jobsOf(peer)) if ((await neededFor(job)).has(cid)) return true
    return false
  }

  const give = async (peer: AgentPeer, cid: Cid): Promise<void> => {
    try {
      if (!(await isNeeded(peer, cid))) throw forbidden(cid)
      await peer.putBlob(cid, await blobs.stream(cid))
    } catch (error) {
      log.info('could not give an agent a blob', { provider: peer.provider, cid, error })
      peer.send({ type: 'blob-missing', cid, problem: toProblem(error) })
    }
  }

  const pump = (peer: AgentPeer, queue: Queue): void => {
    for (const cid of queue.waiting) {
      if (queue.running >= transfersAtOnce) return
      queue.waiting.delete(cid)
      queue.running++
      void give(peer, cid).finally(() => {
        queue.running--
        pump(peer, queue)
      })
    }
  }

  return (peer, { cid }) => {
    const queue = queues.get(peer) ?? { waiting: new Set(), running: 0 }
    queues.set(peer, queue)
    if (queue.waiting.size >= maxWaiting && !queue.waiting.has(cid)) {
      return peer.send({ type: 'blob-missing', cid, problem: toProblem(tooMany(cid)) })
    }
    queue.waiting.add(cid)
    pump(peer, queue)
  }
}
