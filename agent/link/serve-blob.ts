import { createHash } from 'node:crypto'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { checkBlob, MusterError, type AgentHandlers, type Cid } from '@muster/protocol'
import { answerBytes, answerProblem } from './answer-stream.ts'
import { streamBody } from './stream-body.ts'

const nothing = new Uint8Array(0)

async function* wholeBody(body: AsyncIterable<Uint8Array>, cid: Cid): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw new MusterError({
      code: 'blob_corrupt',
      message: 'The blob stopped before its end.',
      facts: { cid, found: error instanceof Error ? error.message : String(error) },
    })
  }
}

/** `PUT /v1/blobs/{cid}`: the handler gets the bytes as they come, and an error after the last where they are not the blob. */
export const serveBlobPut = async (
  stream: ServerHttp2Stream,
  cid: Cid,
  onPutBlob: AgentHandlers['onPutBlob'],
  maxBytes: number,
): Promise<void> => {
  const checked = checkBlob(cid, wholeBody(streamBody(stream), cid), maxBytes, createHash('sha256'))
  try {
    await onPutBlob(cid, checked)
    answerBytes(stream, nothing)
  } catch (error) {
    answerProblem(stream, error)
  } finally {
    // What was not read flows away, so that the stream can end; the market stops sending once it has the answer.
    stream.removeAllListeners('data').resume()
  }
}

const drainOf = (stream: ServerHttp2Stream): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle)
      stream.off('close', settle)
      resolve()
    }
    stream.on('drain', settle)
    stream.on('close', settle)
  })

/** `GET /v1/blobs/{cid}`: the bytes at the market's pace, or the problem the handler has before the first. */
export const serveBlobGet = async (
  stream: ServerHttp2Stream,
  cid: Cid,
  onGetBlob: AgentHandlers['onGetBlob'],
): Promise<void> => {
  stream.resume()
  try {
    for await (const chunk of onGetBlob(cid)) {
      if (stream.destroyed || stream.closed) return
      if (!stream.headersSent) stream.respond({ ':status': 200 })
      if (!stream.write(chunk)) await drainOf(stream)
    }
    if (stream.destroyed || stream.closed) return
    if (!stream.headersSent) stream.respond({ ':status': 200 })
    stream.end()
  } catch (error) {
    if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else answerProblem(stream, error)
  }
}
