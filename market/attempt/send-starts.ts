import { inlineBlobBytes, type AgentPeer, type Cid, type Start } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'

/** Hands attempts to a linked agent, with the small ones of their inputs. Rejects where a message could not be sent. */
export type SendStarts = (peer: AgentPeer, starts: readonly Start[]) => Promise<void>

/** Rough size and number of attempts of one message. */
const messageBytes = 1024 * 1024
const messageStarts = 128
const roughStartBytes = 300
const roughInputBytes = 80

const roughSize = ({ inputs }: Start): number =>
  inputs.reduce((sum, { name }) => sum + roughInputBytes + 4 * name.length, roughStartBytes)

export const createSendStarts = ({ blobs }: { readonly blobs: BlobStore }): SendStarts => {
  /** What cannot be read here the agent asks for, and is told why it does not get it. */
  const readSmall = async (cid: Cid): Promise<Uint8Array | undefined> => {
    try {
      const size = await blobs.size(cid)
      return size === undefined || size > inlineBlobBytes ? undefined : await blobs.read(cid)
    } catch {
      return undefined
    }
  }

  return async (peer, starts) => {
    let part: Start[] = []
    let inline = new Map<Cid, Uint8Array>()
    let bytes = 0
    const flush = () => {
      if (part.length > 0) peer.send({ type: 'start', starts: part, blobs: [...inline.values()] })
      part = []
      inline = new Map()
      bytes = 0
    }
    for (const start of starts) {
      for (const { cid } of start.inputs) {
        if (inline.has(cid)) continue
        const blob = await readSmall(cid)
        if (blob === undefined) continue
        inline.set(cid, blob)
        bytes += blob.length
      }
      part.push(start)
      bytes += roughSize(start)
      if (bytes >= messageBytes || part.length >= messageStarts) flush()
    }
    flush()
  }
}
