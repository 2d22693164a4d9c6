import { fillPath, MusterError, type Route } from '@muster/protocol'
import { currentNode, type Connection } from './connection.ts'
import { networkError } from './network-error.ts'
import { readProblem } from './read-problem.ts'

/** What a body may be on its way out: text, bytes, a file, or a stream that is opened for each try. */
export type OutgoingBody = string | Uint8Array<ArrayBuffer> | Blob | (() => ReadableStream<Uint8Array>)

export interface OutgoingRequest {
  readonly params: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, string | number | undefined>>
  readonly body: OutgoingBody | undefined
  readonly headers: Readonly<Record<string, string>>
}

const addressOf = (url: string, route: Route, request: OutgoingRequest): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query)) if (value !== undefined) query.set(name, `${value}`)
  const search = query.size === 0 ? '' : `?${query.toString()}`
  return `${url}${fillPath(route, request.params)}${search}`
}

const acceptOf = (route: Route): string => {
  if (route.response === 'bytes') return 'application/octet-stream'
  return 'events' in route.response ? 'text/event-stream' : 'application/json'
}

/** Makes one request, once. Rejects with the market's problem, or `unavailable`, `timeout`, `cancelled`. */
export const sendRequest = async (
  connection: Connection,
  route: Route,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<Response> => {
  const { body } = request
  const init: RequestInit & { duplex?: 'half' } = {
    method: route.method,
    redirect: 'error',
    signal,
    headers: {
      accept: acceptOf(route),
      ...(connection.apiKey === undefined || route.auth === 'none'
        ? {}
        : { authorization: `Bearer ${connection.apiKey}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' }),
      ...request.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'function' ? body() : body }),
    ...(typeof body === 'function' ? { duplex: 'half' } : {}),
  }
  const url = currentNode(connection)
  const moveOn = (): void => {
    if (currentNode(connection) === url) connection.nodes.at++
  }
  try {
    const response = await fetch(addressOf(url, route, request), init)
    if (response.ok) return response
    if (response.status >= 500) moveOn()
    throw await readProblem(response, url)
  } catch (error) {
    if (!(error instanceof MusterError) && !signal.aborted) moveOn()
    throw networkError(error, url, `${route.method} ${route.path}`)
  }
}
