import type { ServerHttp2Stream } from 'node:http2'
import {
  decodeCanonical,
  encodeCanonical,
  linkCalls,
  MusterError,
  type AgentHandlers,
  type LinkCall,
  type LinkRequest,
} from '@muster/protocol'
import { answerBytes, answerProblem } from './answer-stream.ts'

const isLinkCall = (name: string): name is LinkCall => Object.hasOwn(linkCalls, name)

const invalid = (message: string, facts: Record<string, unknown>): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts, fault: 'market' })

const answerCall = async <Call extends LinkCall>(
  call: Call,
  body: Uint8Array,
  onCall: AgentHandlers['onCall'],
): Promise<Uint8Array> => {
  const parsed = linkCalls[call].request.safeParse(decodeCanonical(body))
  if (!parsed.success)
    throw invalid('The request does not fit the call.', { call, found: parsed.error.message.slice(0, 500) })
  return encodeCanonical(await onCall(call, parsed.data as LinkRequest<Call>))
}

/** `POST /v1/calls/{call}`: canonical CBOR in and out, a problem on error. */
export const serveCall = (
  stream: ServerHttp2Stream,
  name: string,
  onCall: AgentHandlers['onCall'],
  maxBytes: number,
): void => {
  if (!isLinkCall(name)) {
    answerProblem(
      stream,
      new MusterError({
        code: 'not_found',
        message: 'This agent knows no such call; it may be older than the market.',
        facts: { call: name.slice(0, 64) },
        fault: 'provider',
      }),
    )
    return
  }
  const chunks: Buffer[] = []
  let byteCount = 0
  stream.on('data', (chunk: Buffer) => {
    byteCount += chunk.length
    if (byteCount <= maxBytes) chunks.push(chunk)
  })
  stream.on('end', () => {
    if (stream.aborted || stream.rstCode !== 0) return
    if (byteCount > maxBytes) {
      answerProblem(stream, invalid('The request is larger than this agent allows.', { call: name, maxBytes }))
      return
    }
    answerCall(name, new Uint8Array(Buffer.concat(chunks)), onCall)
      .then((body) => answerBytes(stream, body))
      .catch((error: unknown) => answerProblem(stream, error))
  })
}
