import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { getCACertificates, TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import { decodeProblem, linkClosed, MusterError } from '@muster/protocol'

const maxAnswerBytes = 65_536

/** One connection to the market, kept for the challenge and the upgrade that follows it. */
export interface MarketConnection {
  request(method: 'GET' | 'POST', path: string, headers: Record<string, string>): ClientRequest
  close(): void
}

const authorities = (extra: readonly string[]): string[] => [
  ...getCACertificates('default'),
  ...getCACertificates('system'),
  ...extra,
]

/** Makes connections of one socket each; nothing is sent before a request is. */
export const createConnector = (marketUrl: string, ca: readonly string[]) => {
  const url = new URL(marketUrl)
  const isTls = url.protocol === 'https:'
  if (!isTls && url.protocol !== 'http:') {
    throw new MusterError({
      code: 'request_invalid',
      message: `A market's URL starts with https:// or http://, and this one with ${url.protocol}//.`,
      facts: { marketUrl },
      fault: 'provider',
    })
  }
  const prefix = url.pathname.replace(/\/+$/, '')
  const trusted = isTls ? authorities(ca) : []
  return (): MarketConnection => {
    const agent = isTls
      ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ca: trusted })
      : new HttpAgent({ keepAlive: true, maxSockets: 1 })
    return {
      request: (method, path, headers) => {
        const options: RequestOptions = { agent, method, path: `${prefix}${path}`, headers }
        return isTls ? httpsRequest(url, options) : httpRequest(url, options)
      },
      close: () => agent.destroy(),
    }
  }
}

const unreachable = (cause: Error): MusterError =>
  new MusterError({
    code: 'link_closed',
    message: `The market cannot be reached: ${cause.message || ('code' in cause ? String(cause.code) : cause.name)}.`,
    facts: { reason: 'lost' },
    cause,
  })

/** The request's socket once it is connected and, with TLS, its handshake done: nothing of the request was sent yet. */
export const socketOf = (request: ClientRequest): Promise<Socket> =>
  new Promise((resolve, reject) => {
    request.once('error', (error) => reject(unreachable(error)))
    request.once('socket', (socket) => {
      if (!(socket instanceof TLSSocket) || socket.getFinished() !== undefined) return resolve(socket)
      socket.once('secureConnect', () => resolve(socket))
    })
  })

/** The answer's status and body; of an upgrade the socket and what came with the head. */
export type MarketAnswer =
  | { readonly status: number; readonly body: Uint8Array }
  | { readonly socket: Socket; readonly head: Uint8Array }

/** Sends the request. Rejects with `link_closed` where no answer comes. */
export const answerOf = (request: ClientRequest, body: string): Promise<MarketAnswer> =>
  new Promise((resolve, reject) => {
    request.on('error', (error) => reject(unreachable(error)))
    request.on('close', () => reject(linkClosed('lost')))
    request.on('upgrade', (_response, socket, head) => resolve({ socket, head }))
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let byteCount = 0
      response.on('error', (error) => reject(unreachable(error)))
      response.on('data', (chunk: Buffer) => {
        byteCount += chunk.length
        if (byteCount <= maxAnswerBytes) chunks.push(chunk)
        else response.destroy()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
    request.end(body)
  })

/** The error an answer that is not the one expected stands for. */
export const refusalOf = (answer: MarketAnswer): MusterError =>
  'body' in answer ? decodeProblem(answer.status, answer.body) : linkClosed('protocol-error')
