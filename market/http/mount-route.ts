import { MusterError, toJson, type Route, type Timer, type World } from '@muster/protocol'
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

/** Server-sent events, each with its version for an id. A consumer that leaves ends `call`, and with it the events. */
const eventStream = (events: AsyncIterable<unknown>, world: World, call: AbortController): Response => {
  const iterator = events[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let beat: Timer | undefined
  const end = () => {
    beat?.cancel()
    call.abort()
  }
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const keepAlive = () => {
        beat = world.after(keepAliveMs, () => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
          keepAlive()
        })
      }
      keepAlive()
    },
    pull: async (controller) => {
      try {
        const { done, value } = await iterator.next()
        if (call.signal.aborted) return
        if (done !== true) {
          const version = Reflect.get(Object(value), 'version')
          return controller.enqueue(encoder.encode(`id: ${String(version)}\ndata: ${toJson(value)}\n\n`))
        }
        end()
        controller.close()
      } catch (error) {
        end()
        throw error
      }
    },
    cancel: end,
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

const respond = (route: Route, answer: unknown, world: World, call: AbortController): Response => {
  if (route.response === 'bytes') return byteStream(answer as BytesAnswer)
  if (isEvents(route)) return eventStream(answer as AsyncIterable<unknown>, world, call)
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
    const bodyCode = route.errors.includes('spec_invalid') ? 'spec_invalid' : 'request_invalid'
    let body: unknown
    if (route.body === 'bytes') body = readBytes(raw)
    else if (route.body !== null) body = parseWith(route.body as z.ZodType, await readJson(raw), '', bodyCode)
    const ending = new AbortController()
    if (raw.signal.aborted) ending.abort()
    raw.signal.addEventListener('abort', () => ending.abort(), { once: true, signal: ending.signal })
    const header = (name: string) => context.req.header(name)
    const call = { params, query, body, tenant, header, signal: ending.signal }
    return respond(route, await handler(call as Call<R>), modules.world, ending)
  })
}
