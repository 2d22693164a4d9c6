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
import { readAnswer } from './read-answer.ts'

const maxProblemBytes = 65_536
const idleIntervals = 4

const statusOf = (stream: ClientHttp2Stream): Promise<number> =>
  new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status'] ?? 0))
    stream.once('close', () => reject(linkClosed('lost')))
  })

const stopped = (cid: Cid, found: string): MusterError =>
  new MusterError({ code: 'blob_corrupt', message: 'The blob stopped before its end.', facts: { cid, found } })

async function* readBody(
  stream: ClientHttp2Stream,
  cid: Cid,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      onBytes(chunk.length)
      yield chunk
    }
  } catch (error) {
    throw stopped(cid, error instanceof Error ? error.message : String(error))
  }
  if (stream.rstCode !== 0) throw stopped(cid, `stream reset ${stream.rstCode}`)
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
  const stream = session.request({ ':method': 'GET', ':path': blobPath(cid) }, { endStream: true })
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
    const status = await statusOf(stream)
    if (status !== 200) await readAnswer(stream, maxProblemBytes, status)
    const body = readBody(stream, cid, (count) => (readBytes += count))
    yield* checkBlob(cid, body, Math.min(maxBytes, limits.maxBlobBytes), createHash('sha256'))
  } catch (error) {
    throw failure ?? error
  } finally {
    watch.stop()
    stream.close(constants.NGHTTP2_CANCEL)
  }
}
