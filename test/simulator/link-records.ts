import {
  MusterError,
  type AgentHandlers,
  type AgentMessage,
  type AgentPeer,
  type AttemptId,
  type Cid,
  type LinkCloseReason,
  type MarketMessage,
  type PeerHandlers,
} from '@muster/protocol'

export const attempt = (index: number): AttemptId => `job_01ARZ3NDEKTSV4RRFFQ69G5FAV.${index}.1` as AttemptId

/** What a market saw of its links. */
export interface MarketRecord {
  readonly handlers: PeerHandlers
  readonly opened: AgentPeer[]
  readonly closed: { readonly epoch: number; readonly reason: LinkCloseReason }[]
  readonly messages: AgentMessage[]
  /** What happened, in order. */
  readonly story: string[]
}

export const recordMarket = (): MarketRecord => {
  const opened: AgentPeer[] = []
  const closed: { epoch: number; reason: LinkCloseReason }[] = []
  const messages: AgentMessage[] = []
  const story: string[] = []
  return {
    opened,
    closed,
    messages,
    story,
    handlers: {
      onOpen: (peer) => {
        opened.push(peer)
        story.push(`open ${peer.epoch}`)
      },
      onMessage: (_peer, message) => messages.push(message),
      onClose: (peer, reason) => {
        closed.push({ epoch: peer.epoch, reason })
        story.push(`close ${peer.epoch} ${reason}`)
      },
    },
  }
}

/** An agent that answers calls, and what it got. */
export interface AgentRecord {
  readonly handlers: AgentHandlers
  readonly messages: MarketMessage[]
  readonly blobs: Map<Cid, Uint8Array>
}

export const collect = async (bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

export const recordAgent = (overrides: Partial<AgentHandlers> = {}): AgentRecord => {
  const messages: MarketMessage[] = []
  const blobs = new Map<Cid, Uint8Array>()
  const onCall = async (call: string, request: unknown): Promise<unknown> => {
    if (call === 'holdings') return { leases: [], attempts: [attempt(1)] }
    if (call === 'logs') return { lines: [JSON.stringify(request)] }
    return {}
  }
  return {
    messages,
    blobs,
    handlers: {
      onCall: onCall as AgentHandlers['onCall'],
      onMessage: (message) => messages.push(message),
      onPutBlob: async (cid, bytes) => {
        blobs.set(cid, await collect(bytes))
      },
      onGetBlob: async function* (cid) {
        const bytes = blobs.get(cid)
        if (bytes === undefined)
          throw new MusterError({ code: 'blob_missing', message: 'No such blob.', facts: { cid } })
        for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
      },
      ...overrides,
    },
  }
}
