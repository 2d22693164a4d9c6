import { inlineBlobBytes, type AgentPeer, type Cid, type Log, type Start } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'

/** Hands attempts to a linked agent, with the small ones of their inputs. */
export type SendStarts = (peer: AgentPeer, starts: readonly Start[]) => void

/** Bytes of blobs in one message, and attempts in one message. */
const messageBytes = 1024 * 1024
const messageStarts = 512

export const createSendStarts =
  ({ blobs, log }: { readonly blobs: BlobStore; readonly log: Log }): SendStarts =>
  (peer, starts) => {
    const readSmall = async (cid: Cid): Promise<Uint8Array | undefined> => {
      const size = await blobs.size(cid)
      return size === undefined || size > inlineBlobBytes ? undefined : blobs.read(cid)
    }

    const send = async (): Promise<void> => {
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
        if (bytes >= messageBytes || part.length >= messageStarts) flush()
      }
      flush()
    }

    if (starts.every(({ inputs }) => inputs.length === 0) && starts.length <= messageStarts) {
      peer.send({ type: 'start', starts: [...starts], blobs: [] })
      return
    }
    send().catch((error: unknown) =>
      log.warn('could not send attempts to an agent', { provider: peer.provider, error }),
    )
  }
