import { MusterError, toProblem, type Address, type AgentPeer, type Cid, type Log } from '@muster/protocol'
import type { BlobStore } from './blob-store.ts'

export interface GiveBlobsModules {
  readonly blobs: BlobStore
  /** Whether a lease of the provider gives it a reason to read the blob. */
  readonly isNeeded: (provider: Address, cid: Cid) => Promise<boolean>
  /** What the market itself lends the agent, whatever it leases. */
  readonly lent?: (peer: AgentPeer, cid: Cid) => AsyncIterable<Uint8Array> | undefined
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

export const createGiveBlobs = ({ blobs, isNeeded, lent, log }: GiveBlobsModules): GiveBlob => {
  const queues = new WeakMap<AgentPeer, Queue>()
  const give = async (peer: AgentPeer, cid: Cid): Promise<void> => {
    try {
      const own = lent?.(peer, cid)
      if (own !== undefined) return await peer.putBlob(cid, own)
      if (!(await isNeeded(peer.provider, cid))) throw forbidden(cid)
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
