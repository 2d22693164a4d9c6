import { constants, type Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { LinkCloseReason, World } from '@muster/protocol'

export interface ClosingSession {
  readonly socket: Socket
  readonly session: Http2Session
}

/**
 * Ends an HTTP/2 session: says why in a GOAWAY frame, cancels `streams`, and lets go of the socket once that is sent,
 * or after `closeMs`. Resolves when the socket is gone.
 */
export const closeSession = (
  world: World,
  { socket, session }: ClosingSession,
  reason: LinkCloseReason,
  closeMs: number,
  streams: Iterable<{ close(code?: number): void }> = [],
): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    const timer = world.after(closeMs, () => {
      session.destroy()
      // A session waits for its last write, which a peer that does not read never lets end.
      socket.destroy()
    })
    session.once('close', () => socket.destroy())
    socket.once('close', () => {
      timer.cancel()
      resolve()
    })
    if (session.destroyed) {
      socket.destroy()
      return
    }
    if (!session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(reason))
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    session.close()
  })
