import { constants, type Http2Session } from 'node:http2'
import type { LinkCloseReason, World } from '@muster/protocol'

/**
 * Ends an HTTP/2 session: says why in a GOAWAY frame, cancels `streams`, and lets go of the socket once that is sent,
 * or after `closeMs`. Resolves when the session is gone.
 */
export const closeSession = (
  world: World,
  session: Http2Session,
  reason: LinkCloseReason,
  closeMs: number,
  streams: Iterable<{ close(code?: number): void }> = [],
): Promise<void> =>
  new Promise((resolve) => {
    if (session.destroyed) return resolve()
    const timer = world.after(closeMs, () => session.destroy())
    session.once('close', () => {
      timer.cancel()
      resolve()
    })
    if (!session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(reason))
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    session.close()
  })
