import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import {
  blobPath,
  linkClosed,
  MusterError,
  watchProgress,
  type Cid,
  type LinkLimits,
  type World,
} from '@muster/protocol'
import { agentAuthority } from './open-session.ts'
import { readAnswer } from './read-answer.ts'

const maxAnswerBytes = 65_536
const idleIntervals = 4

const drainOf = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle)
      stream.off('close', settle)
      resolve()
    }
    stream.on('drain', settle)
    stream.on('close', settle)
  })

/** Streams a blob to the agent at the agent's pace. Rejects with what the agent or `bytes` answers, `timeout`, `link_closed`. */
export const putBlob = async (
  world: World,
  session: ClientHttp2Session,
  cid: Cid,
  bytes: AsyncIterable<Uint8Array>,
  limits: LinkLimits,
): Promise<void> => {
  if (session.closed || session.destroyed) throw linkClosed('lost')
  const stream = session.request({ ...agentAuthority, ':method': 'PUT', ':path': blobPath(cid) }, { endStream: false })
  let writtenBytes = 0
  let failure: { readonly error: unknown } | undefined
  const giveUp = (error: unknown): void => {
    failure ??= { error }
    stream.close(constants.NGHTTP2_CANCEL)
  }

  const pump = async (): Promise<void> => {
    for await (const chunk of bytes) {
      if (stream.destroyed || stream.closed) return
      writtenBytes += chunk.length
      if (!stream.write(chunk)) await drainOf(stream)
    }
    stream.end()
  }

  const watch = watchProgress(world, {
    intervalMs: limits.blobIdleMs / idleIntervals,
    maxIdleIntervals: idleIntervals,
    count: () => writtenBytes,
    onStalled: () =>
      giveUp(
        new MusterError({
          code: 'timeout',
          message: `The blob's transfer to the agent stood still for ${limits.blobIdleMs} ms.`,
          facts: { cid, writtenBytes },
        }),
      ),
  })
  try {
    const answer = readAnswer(stream, maxAnswerBytes)
    pump().catch(giveUp)
    await answer
  } catch (error) {
    throw failure === undefined ? error : failure.error
  } finally {
    watch.stop()
    stream.close(constants.NGHTTP2_NO_ERROR)
  }
}
