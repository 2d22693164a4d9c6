import { constants, type Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { LinkCloseReason, World } from '@muster/protocol'

export interface ClosingSession {
  readonly socket: Socket
  readonly session: Http2Session
}

export interface SessionFarewell {
  readonly reason: LinkCloseReason
  /** The most it may take. */
  readonly closeMs: number
  /** Streams cancelled along with it. */
  readonly cancel?: readonly { close(code?: number): void }[]
  /** What the other side still reads; the session ends once this is settled, whatever else is open on it. */
  readonly after?: Promise<unknown>
}

/** Ends an HTTP/2 session: says why in a GOAWAY frame and lets go of the socket. Resolves when the socket is gone. */
export const closeSession = (
  world: World,
  { socket, session }: ClosingSession,
  { reason, closeMs, cancel = [], after }: SessionFarewell,
): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    const letGo = (): void => {
      session.destroy()
      // A session waits for its last write, which a peer that does not read never lets end.
      socket.destroy()
    }
    const timer = world.after(closeMs, letGo)
    session.once('close', () => socket.destroy())
    socket.once('close', () => {
      timer.cancel()
      resolve()
    })
    if (session.destroyed) return letGo()
    if (!session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(reason))
    for (const stream of cancel) stream.close(constants.NGHTTP2_CANCEL)
    if (after === undefined) session.close()
    else void after.finally(letGo)
  })
