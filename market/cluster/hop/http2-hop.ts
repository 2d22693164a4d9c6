import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { deserialize, serialize } from 'node:v8'
import { decodeProblem, linkClosed, type World } from '@muster/protocol'
import type { NodeId, NodeRow } from '../../store/node-store.ts'
import type { Hop, NodeCall, NodeCalls, RemoteBlob } from './hop.ts'
import { blobPath, callPath, fromHeader, hopTls, maxHopBytes } from './hop-key.ts'

export interface Http2HopModules {
  readonly world: World
  readonly key: Uint8Array
  readonly id: () => NodeId
}

const connectMs = 2_000
/** Blobs and requests of tenants may take long; a connection on which nothing comes for this long is given up. */
const idleMs = 60_000
/** Headers that belong to one connection and not to the request. */
const ofConnection = ['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']

const statusOf = (stream: ClientHttp2Stream): Promise<{ readonly status: number; readonly headers: Headers }> =>
  new Promise((resolve, reject) => {
    stream.on('error', () => reject(linkClosed('lost')))
    stream.on('close', () => reject(linkClosed('lost')))
    stream.on('response', (given) => {
      const headers = new Headers()
      for (const [name, value] of Object.entries(given))
        if (!name.startsWith(':') && value !== undefined) headers.set(name, String(value))
      resolve({ status: given[':status'] ?? 0, headers })
    })
  })

const readAll = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > maxHopBytes) throw linkClosed('protocol-error')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The hop over one HTTP/2 connection to each node, kept open. */
export const createHttp2Hop = ({ world, key, id }: Http2HopModules): Hop => {
  const sessions = new Map<string, ClientHttp2Session>()
  let isClosed = false

  const drop = (url: string, session: ClientHttp2Session): void => {
    if (sessions.get(url) === session) sessions.delete(url)
    session.destroy()
  }

  const sessionTo = ({ url }: NodeRow): ClientHttp2Session => {
    if (url === null || isClosed) throw linkClosed('lost')
    const known = sessions.get(url)
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const session = connect(url, {
      ...hopTls,
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: key, identity: 'node' }),
    })
    sessions.set(url, session)
    const timer = world.after(connectMs, () => drop(url, session))
    session.once('connect', () => timer.cancel())
    session.on('error', () => drop(url, session))
    session.on('close', () => {
      timer.cancel()
      drop(url, session)
    })
    session.setTimeout(idleMs, () => drop(url, session))
    return session
  }

  const open = (node: NodeRow, method: string, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream =>
    sessionTo(node).request(
      { ':method': method, ':path': path, [fromHeader]: id(), ...headers },
      { endStream: method === 'GET' || method === 'HEAD' },
    )

  const requireOk = async (stream: ClientHttp2Stream): Promise<void> => {
    const { status } = await statusOf(stream)
    if (status !== 200) throw decodeProblem(status, await readAll(stream))
  }

  const headersOf = ({ provider, epoch }: RemoteBlob): OutgoingHttpHeaders => ({
    'muster-provider': provider,
    'muster-epoch': String(epoch),
  })

  return {
    call: async <Call extends NodeCall>(
      node: NodeRow,
      call: Call,
      request: NodeCalls[Call]['request'],
      timeoutMs: number,
    ): Promise<NodeCalls[Call]['response']> => {
      const stream = open(node, 'POST', `${callPath}${call}`)
      let isLate = false
      const timer = world.after(timeoutMs, () => {
        isLate = true
        stream.close(constants.NGHTTP2_CANCEL)
      })
      try {
        stream.end(serialize(request))
        await requireOk(stream)
        return deserialize(await readAll(stream)) as NodeCalls[Call]['response']
      } catch (error) {
        throw isLate ? linkClosed('silent') : error
      } finally {
        timer.cancel()
      }
    },
    putBlob: async (node, blob, bytes) => {
      const stream = open(node, 'PUT', `${blobPath}${blob.cid}`, headersOf(blob))
      const answered = requireOk(stream)
      await Promise.all([answered, pipeline(Readable.from(bytes), stream)])
    },
    getBlob: async function* (node, blob, maxBytes) {
      const headers = { ...headersOf(blob), 'muster-max-bytes': String(maxBytes) }
      const stream = open(node, 'GET', `${blobPath}${blob.cid}`, headers)
      await requireOk(stream)
      for await (const chunk of stream) yield chunk as Uint8Array
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw linkClosed('lost')
    },
    fetch: async (node, request) => {
      const url = new URL(request.url)
      const headers: OutgoingHttpHeaders = {}
      for (const [name, value] of request.headers) if (!ofConnection.includes(name)) headers[name] = value
      const stream = open(node, request.method, `${url.pathname}${url.search}`, headers)
      const leave = (): void => stream.close(constants.NGHTTP2_CANCEL)
      request.signal.addEventListener('abort', leave, { once: true })
      stream.once('close', () => request.signal.removeEventListener('abort', leave))
      const answered = statusOf(stream)
      if (request.body === null) stream.end()
      else pipeline(Readable.fromWeb(request.body), stream).catch(leave)
      const { status, headers: given } = await answered
      const isEmpty = status === 204 || status === 304
      return new Response(isEmpty ? null : Readable.toWeb(stream), { status, headers: given })
    },
    close: async () => {
      isClosed = true
      for (const [url, session] of sessions) drop(url, session)
    },
  }
}
