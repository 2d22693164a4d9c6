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

/** Those that carry an order or a lease with its reservation; the others name a few ids. */
const largeCalls: ReadonlySet<LinkCall> = new Set<LinkCall>(['reserve', 'solicit', 'open-lease'])
const largeCallBytes = 256 * 1024
const callBytes = 64 * 1024

/** Bytes of calls that a session may still have waiting for their end. */
export interface CallBudget {
  bytes: number
}

export interface CallLimits {
  readonly maxCallBytes: number
  readonly budget: CallBudget
}

/** A budget for one session. */
export const createCallBudget = (): CallBudget => ({ bytes: 4 * 1024 * 1024 })

const crowded = (call: string): MusterError =>
  new MusterError({
    code: 'rate_limited',
    message: 'Too much of other calls is waiting on this link; finish those first.',
    facts: { call },
    fault: 'market',
  })

/** `POST /v1/calls/{call}`: canonical CBOR in and out, a problem on error. */
export const serveCall = (
  stream: ServerHttp2Stream,
  name: string,
  onCall: AgentHandlers['onCall'],
  limits: CallLimits,
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
  const maxBytes = Math.min(limits.maxCallBytes, largeCalls.has(name) ? largeCallBytes : callBytes)
  const { budget } = limits
  const chunks: Buffer[] = []
  let byteCount = 0
  let held = 0
  let isCrowded = false
  const letGo = (): void => {
    budget.bytes += held
    held = 0
    chunks.length = 0
  }
  stream.on('close', letGo)
  stream.on('data', (chunk: Buffer) => {
    byteCount += chunk.length
    if (byteCount > maxBytes || isCrowded) return letGo()
    isCrowded = chunk.length > budget.bytes
    if (isCrowded) return letGo()
    budget.bytes -= chunk.length
    held += chunk.length
    chunks.push(chunk)
  })
  stream.on('end', () => {
    if (stream.aborted || stream.rstCode !== 0) return
    if (byteCount > maxBytes) {
      answerProblem(stream, invalid('The request is larger than this agent allows.', { call: name, maxBytes }))
      return
    }
    if (isCrowded) {
      answerProblem(stream, crowded(name))
      return
    }
    const body = new Uint8Array(Buffer.concat(chunks))
    letGo()
    answerCall(name, body, onCall)
      .then((body) => answerBytes(stream, body))
      .catch((error: unknown) => answerProblem(stream, error))
  })
}
