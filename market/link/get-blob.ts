import { createHash } from 'node:crypto'
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import {
  blobPath,
  checkBlob,
  linkClosed,
  MusterError,
  watchProgress,
  type Cid,
  type LinkLimits,
  type World,
} from '@muster/protocol'
import { agentAuthority } from './open-session.ts'
import { readAnswer } from './read-answer.ts'
import { streamBody } from './stream-body.ts'

const maxProblemBytes = 65_536
const idleIntervals = 4

/** The head of the answer, its body already listened to. Rejects with the agent's problem. */
const answerOf = (stream: ClientHttp2Stream): Promise<AsyncIterable<Uint8Array>> =>
  new Promise((resolve, reject) => {
    const onClose = () => reject(linkClosed('lost'))
    stream.once('close', onClose)
    stream.once('response', (headers) => {
      stream.off('close', onClose)
      const status = headers[':status'] ?? 0
      if (status === 200) resolve(streamBody(stream))
      else readAnswer(stream, maxProblemBytes, status).then(() => reject(linkClosed('protocol-error')), reject)
    })
  })

const stopped = (cid: Cid, found: string): MusterError =>
  new MusterError({ code: 'blob_corrupt', message: 'The blob stopped before its end.', facts: { cid, found } })

async function* countBody(
  body: AsyncIterable<Uint8Array>,
  cid: Cid,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      onBytes(chunk.length)
      yield chunk
    }
  } catch (error) {
    throw stopped(cid, error instanceof Error ? error.message : String(error))
  }
}

/**
 * Fetches a blob from the agent at the consumer's pace; a consumer that stops early cancels the transfer. Rejects with what
 * the agent answers, `blob_too_large`, `blob_corrupt`, `timeout`, `link_closed`.
 */
export async function* getBlob(
  world: World,
  session: ClientHttp2Session,
  cid: Cid,
  maxBytes: number,
  limits: LinkLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (session.closed || session.destroyed) throw linkClosed('lost')
  const stream = session.request({ ...agentAuthority, ':method': 'GET', ':path': blobPath(cid) }, { endStream: true })
  let failure: MusterError | undefined
  let readBytes = 0
  stream.on('error', () => {})
  const watch = watchProgress(world, {
    intervalMs: limits.blobIdleMs / idleIntervals,
    maxIdleIntervals: idleIntervals,
    count: () => readBytes,
    onStalled: () => {
      failure = new MusterError({
        code: 'timeout',
        message: `The blob's transfer from the agent stood still for ${limits.blobIdleMs} ms.`,
        facts: { cid, readBytes },
      })
      stream.destroy()
    },
  })
  try {
    const body = countBody(await answerOf(stream), cid, (count) => (readBytes += count))
    yield* checkBlob(cid, body, Math.min(maxBytes, limits.maxBlobBytes), createHash('sha256'))
  } catch (error) {
    throw failure ?? error
  } finally {
    watch.stop()
    stream.close(constants.NGHTTP2_CANCEL)
  }
}
