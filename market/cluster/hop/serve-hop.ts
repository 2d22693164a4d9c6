import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { deserialize, serialize } from 'node:v8'
import { getRequestListener } from '@hono/node-server'
import { addressSchema, cidSchema, encodeProblem, MusterError, type Log } from '@muster/protocol'
import type { NodeCall, NodeCalls, NodeService, RemoteBlob } from './hop.ts'
import { blobPath, callPath, fromHeader, hopTls, maxHopBytes } from './hop-key.ts'

export interface ServedHop {
  readonly port: number
  close(): Promise<void>
}

export interface ServeHopOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

const readAll = async (request: Http2ServerRequest): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Uint8Array).length
    if (bytes > maxHopBytes)
      throw new MusterError({ code: 'request_invalid', message: 'This is more than nodes send each other at once.' })
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
}

const textOf = (request: Http2ServerRequest, name: string): string => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

const blobOf = (request: Http2ServerRequest): RemoteBlob => ({
  cid: cidSchema.parse(request.url.slice(blobPath.length)),
  provider: addressSchema.parse(textOf(request, 'muster-provider')),
  epoch: Number(textOf(request, 'muster-epoch')),
})

/** The rest behind a first piece. Whoever stops reading ends where the bytes come from as well. */
async function* follow(
  first: IteratorResult<Uint8Array>,
  bytes: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await bytes.next()) yield next.value
  } finally {
    await bytes.return?.()
  }
}

/** Answers other nodes of this market: those who know `key`, and nobody else. */
export const serveHop = (
  { host, port }: ServeHopOptions,
  { key, service, log }: { readonly key: Uint8Array; readonly service: NodeService; readonly log: Log },
): Promise<ServedHop> => {
  const listener = getRequestListener((request) => service.fetch(request))

  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    if (request.url.startsWith(callPath)) {
      const call = request.url.slice(callPath.length) as NodeCall
      const asked = deserialize(await readAll(request)) as NodeCalls[NodeCall]['request']
      response.end(serialize(await service.call(textOf(request, fromHeader), call, asked)))
    } else if (request.method === 'PUT') {
      await service.putBlob(blobOf(request), request)
      response.end()
    } else {
      const bytes = service
        .getBlob(blobOf(request), Number(textOf(request, 'muster-max-bytes')))
        [Symbol.asyncIterator]()
      // An error before the first byte can still be told.
      const first = await bytes.next()
      await pipeline(Readable.from(follow(first, bytes)), response.stream)
    }
  }

  const server = createSecureServer({ ...hopTls, pskCallback: () => key }, (request, response) => {
    if (!request.url.startsWith('/node/')) return void listener(request, response)
    answer(request, response).catch((error: unknown) => {
      log.debug('could not answer a node', { path: request.url.slice(0, 100), error })
      if (response.stream.destroyed) return
      if (response.headersSent) return response.stream.close(2)
      response.statusCode = 500
      response.end(encodeProblem(error))
    })
  })
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket: { destroy(): void; once(event: 'close', listener: () => void): void }) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => log.debug('somebody without the market’s key tried to speak to this node', {}))
  server.on('sessionError', (error) => log.debug('the connection of a node broke', { error }))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            for (const socket of sockets) socket.destroy()
          }),
      })
    })
  })
}
