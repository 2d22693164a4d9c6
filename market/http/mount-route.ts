import { MusterError, toJson, type Route, type World } from '@muster/protocol'
import type { Context, Hono } from 'hono'
import type { z } from 'zod'
import type { Tenant } from '../store/store.ts'
import type { BytesAnswer, Call, Handler } from './handler.ts'
import { parseWith } from './parse-with.ts'
import { readBytes, readJson } from './read-body.ts'

export interface MountModules {
  readonly world: World
  readonly authenticate: (authorization: string | undefined) => Promise<Tenant>
  readonly requireAdmin: (authorization: string | undefined) => void
}

const keepAliveMs = 15_000

const eventStream = (events: AsyncIterable<unknown>, world: World): Response => {
  const iterator = events[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const beat = () =>
        world.after(keepAliveMs, () => {
          try {
            controller.enqueue(encoder.encode(': still here\n\n'))
            beat()
          } catch {
            // The stream has ended.
          }
        })
      beat()
    },
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done === true) return controller.close()
      const version = Reflect.get(Object(value), 'version')
      controller.enqueue(encoder.encode(`id: ${String(version)}\ndata: ${toJson(value)}\n\n`))
    },
    cancel: async () => {
      await iterator.return?.()
    },
  })
  return new Response(stream, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
}

const byteStream = ({ stream, bytes, range }: BytesAnswer): Response => {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(bytes),
    'accept-ranges': 'bytes',
  }
  const body = ReadableStream.from(stream)
  if (range === undefined) return new Response(body, { headers })
  return new Response(body, {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${range.total}` },
  })
}

const isEvents = (route: Route): boolean => typeof route.response === 'object' && 'events' in route.response

const respond = (route: Route, answer: unknown, world: World): Response => {
  if (route.response === 'bytes') return byteStream(answer as BytesAnswer)
  if (isEvents(route)) return eventStream(answer as AsyncIterable<unknown>, world)
  return new Response(toJson(answer), { status: route.status, headers: { 'content-type': 'application/json' } })
}

const requireParams = (route: Route, context: Context): unknown => {
  const parsed = route.params.safeParse(context.req.param())
  if (parsed.success) return parsed.data
  throw new MusterError({
    code: 'not_found',
    message: 'There is nothing at this address.',
    facts: {
      path: context.req.path,
      issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), expected: message })),
    },
  })
}

/** Serves one route of the protocol: parses, authenticates, calls the handler, writes the answer. Errors are the app's. */
export const mountRoute = <R extends Route>(app: Hono, route: R, handler: Handler<R>, modules: MountModules): void => {
  const path = route.path.replace(/\{(\w+)\}/g, ':$1')
  app.on(route.method, path, async (context) => {
    const { raw } = context.req
    const authorization = context.req.header('authorization')
    const tenant = route.auth === 'tenant' ? await modules.authenticate(authorization) : undefined
    if (route.auth === 'admin') modules.requireAdmin(authorization)
    const params = requireParams(route, context)
    const query = parseWith(route.query, context.req.query(), 'query')
    let body: unknown
    if (route.body === 'bytes') body = readBytes(raw)
    else if (route.body !== null) body = parseWith(route.body as z.ZodType, await readJson(raw), '')
    const call = { params, query, body, tenant, header: (name: string) => context.req.header(name), signal: raw.signal }
    return respond(route, await handler(call as Call<R>), modules.world)
  })
}
