import type { ServerHttp2Stream } from 'node:http2'
import { encodeProblem, MusterError, problemType } from '@muster/protocol'

/** Answers with the error's problem body, where the stream is still there to answer on. */
export const answerProblem = (stream: ServerHttp2Stream, error: unknown): void => {
  if (stream.destroyed || stream.closed || stream.headersSent) return
  const body = encodeProblem(error)
  const status = error instanceof MusterError ? 400 : 500
  stream.respond({ ':status': status, 'content-type': problemType, 'content-length': body.length })
  stream.end(body)
}

export const answerBytes = (stream: ServerHttp2Stream, body: Uint8Array): void => {
  if (stream.destroyed || stream.closed) return
  stream.respond({ ':status': 200, 'content-length': body.length })
  stream.end(body)
}
