import { MusterError, toJson, type Route, type RouteBody, type RouteParams, type RouteResponse } from '@muster/protocol'
import type { z } from 'zod'
import { readEvents } from '../event/read-events.ts'
import type { Connection } from './connection.ts'
import type { DeepReadonly } from './deep-readonly.ts'
import { startDeadline } from './deadline.ts'
import { networkError } from './network-error.ts'
import { readChunks } from './read-chunks.ts'
import { retryCall } from './retry-call.ts'
import { sendRequest, type OutgoingBody, type OutgoingRequest } from './send-request.ts'

type ParamsPart<R extends Route> =
  Record<string, never> extends RouteParams<R>
    ? { readonly params?: Record<string, never> }
    : { readonly params: DeepReadonly<RouteParams<R>> }

type BodyPart<R extends Route> = R['body'] extends null
  ? { readonly body?: undefined }
  : R['body'] extends 'bytes'
    ? { readonly body: OutgoingBody }
    : { readonly body: DeepReadonly<RouteBody<R>> }

/** The query as it is after parsing: every route can do without any of it. */
export type CallQuery<R extends Route> = Partial<z.output<R['query']>>
export type CallInput<R extends Route> = ParamsPart<R> & { readonly query?: CallQuery<R> } & BodyPart<R>

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Whether making the call twice does what making it once does. By default every method but POST. */
  readonly isIdempotent?: boolean
}

const serialise = (route: Route, body: unknown): OutgoingBody | undefined => {
  if (route.body === null) return undefined
  return route.body === 'bytes' ? (body as OutgoingBody) : toJson(body)
}

const parseAnswer = (route: Route, schema: z.ZodType, text: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new MusterError({
    code: 'internal',
    message: `The market's answer to ${route.method} ${route.path} is not of the form this version knows; compare versions.`,
    facts: { found: text.slice(0, 200) },
    retry: 'never',
    cause: parsed.error,
  })
}

/**
 * Calls one route of a market. Resolves to the parsed answer of a JSON route; for a route of bytes or events to a stream,
 * once its head has arrived. Repeats an idempotent call that failed for a reason that may pass. Rejects with MusterError only.
 */
export const callRoute = async <R extends Route>(
  connection: Connection,
  route: R,
  input: CallInput<R>,
  options: CallOptions = {},
): Promise<RouteResponse<R>> => {
  const parts = input as { params?: object; query?: OutgoingRequest['query']; body?: unknown }
  const request: OutgoingRequest = {
    params: { ...parts.params },
    query: { ...parts.query },
    body: serialise(route, parts.body),
    headers: options.headers ?? {},
  }
  const what = `${route.method} ${route.path}`
  const attempt = async (): Promise<unknown> => {
    const deadline = startDeadline(what, options.timeoutMs ?? connection.timeoutMs, options.signal)
    let isStreaming = false
    try {
      const response = await sendRequest(connection, route, request, deadline.signal)
      if (route.response === 'bytes' || 'events' in route.response) {
        isStreaming = true
        const chunks = readChunks(response, deadline, connection.url, what)
        return route.response === 'bytes' ? chunks : readEvents(chunks, route.response.events)
      }
      const text = await response.text().catch((error: unknown) => {
        throw networkError(error, connection.url, what)
      })
      return parseAnswer(route, route.response.json, text)
    } finally {
      if (!isStreaming) deadline.stop()
    }
  }
  const isIdempotent = options.isIdempotent ?? route.method !== 'POST'
  const policy = isIdempotent ? connection.retry : { ...connection.retry, attempts: 1 }
  return (await retryCall(policy, connection.world, options.signal, attempt)) as RouteResponse<R>
}
