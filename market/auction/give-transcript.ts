import type { AgentPeer, AuctionId, Log } from '@muster/protocol'
import type { ReadTranscript } from './recent-transcripts.ts'

/** Sends an agent the transcript it asks for, or says that there is none; one at a time, since they may be large. */
export const createGiveTranscript = ({
  transcripts,
  log,
}: {
  readonly transcripts: ReadTranscript
  readonly log: Log
}): ((peer: AgentPeer, auction: AuctionId) => void) => {
  const busy = new WeakSet<AgentPeer>()
  const give = async (peer: AgentPeer, auction: AuctionId): Promise<void> => {
    const transcript = (await transcripts(auction)) ?? null
    peer.send({ type: 'transcript', auction, transcript })
  }
  return (peer, auction) => {
    if (busy.has(peer)) return
    busy.add(peer)
    give(peer, auction)
      .catch((error: unknown) => log.info('could not give a transcript', { provider: peer.provider, auction, error }))
      .finally(() => busy.delete(peer))
  }
}
