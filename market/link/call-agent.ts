import { constants, type ClientHttp2Session } from 'node:http2'
import {
  callPath,
  decodeCanonical,
  encodeCanonical,
  linkCalls,
  linkClosed,
  MusterError,
  type CallOptions,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type World,
} from '@muster/protocol'
import { agentAuthority } from './open-session.ts'
import { readAnswer } from './read-answer.ts'

/** The agent's answer does not fit the protocol: the link is not worth keeping. */
export class GarbledAnswerError extends Error {
  override readonly name = 'GarbledAnswerError'
}

const decodeAnswer = <Call extends LinkCall>(call: Call, body: Uint8Array): LinkResponse<Call> => {
  let value: unknown
  try {
    value = decodeCanonical(body)
  } catch (cause) {
    throw new GarbledAnswerError(`the answer to ${call} is not canonical CBOR`, { cause })
  }
  const parsed = linkCalls[call].response.safeParse(value)
  if (!parsed.success)
    throw new GarbledAnswerError(`the answer to ${call}: ${parsed.error.message.slice(0, 500)}`, {
      cause: parsed.error,
    })
  return parsed.data as LinkResponse<Call>
}

/**
 * One call on an agent: a stream of its own. Rejects with what the agent answered, `timeout`, `cancelled`, `link_closed`,
 * or `GarbledAnswerError`.
 */
export const callAgent = async <Call extends LinkCall>(
  world: World,
  session: ClientHttp2Session,
  call: Call,
  request: LinkRequest<Call>,
  { timeoutMs, signal }: CallOptions,
  maxBytes: number,
): Promise<LinkResponse<Call>> => {
  if (signal?.aborted === true) throw new MusterError({ code: 'cancelled', message: `The call ${call} was cancelled.` })
  const body = encodeCanonical(request)
  if (session.closed || session.destroyed) throw linkClosed('lost')
  const stream = session.request({ ...agentAuthority, ':method': 'POST', ':path': callPath(call) })
  let failure: MusterError | undefined
  const giveUp = (error: MusterError): void => {
    failure = error
    stream.close(constants.NGHTTP2_CANCEL)
  }
  const timer = world.after(timeoutMs, () =>
    giveUp(
      new MusterError({
        code: 'timeout',
        message: `The agent did not answer ${call} within ${timeoutMs} ms.`,
        facts: { call, timeoutMs },
      }),
    ),
  )
  const onAbort = () => giveUp(new MusterError({ code: 'cancelled', message: `The call ${call} was cancelled.` }))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const answer = readAnswer(stream, maxBytes)
    stream.end(body)
    return decodeAnswer(call, await answer)
  } catch (error) {
    throw failure ?? error
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
