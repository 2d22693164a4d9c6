import type { AgentPeer, Cid } from '@muster/protocol'

/** Bytes that agents may fetch while they are asked about them. */
export interface Lending {
  lend(peer: AgentPeer, cid: Cid, bytes: Uint8Array): { isGiven(): boolean; end(): void }
  find(peer: AgentPeer, cid: Cid): AsyncIterable<Uint8Array> | undefined
}

interface Lent {
  readonly cid: Cid
  readonly bytes: Uint8Array
  isGiven: boolean
}

const pieceBytes = 256 * 1024

async function* pieces(lent: Lent): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < lent.bytes.length; at += pieceBytes) {
    if (at + pieceBytes >= lent.bytes.length) lent.isGiven = true
    yield lent.bytes.subarray(at, at + pieceBytes)
  }
}

export const createLending = (): Lending => {
  const lent = new Map<AgentPeer, Lent>()
  return {
    lend: (peer, cid, bytes) => {
      const one: Lent = { cid, bytes, isGiven: false }
      lent.set(peer, one)
      return {
        isGiven: () => one.isGiven,
        end: () => {
          if (lent.get(peer) === one) lent.delete(peer)
        },
      }
    },
    find: (peer, cid) => {
      const one = lent.get(peer)
      return one?.cid === cid ? pieces(one) : undefined
    },
  }
}
