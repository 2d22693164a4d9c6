import { toProblem, type AgentMessage, type AgentPeer, type Log } from '@muster/protocol'
import type { BlobStore } from './blob-store.ts'

/** Streams a blob to an agent that wants it, or tells it why not. */
export const giveBlob = async (
  peer: AgentPeer,
  { cid }: Extract<AgentMessage, { type: 'want' }>,
  { blobs, log }: { readonly blobs: BlobStore; readonly log: Log },
): Promise<void> => {
  try {
    await peer.putBlob(cid, await blobs.stream(cid))
  } catch (error) {
    log.info('could not give an agent a blob', { provider: peer.provider, cid, error })
    peer.send({ type: 'blob-missing', cid, problem: toProblem(error) })
  }
}
