import { MusterError, toJson, type Route, type Timer, type World } from '@muster/protocol'
import type { Context, Hono } from 'hono'
import { keyName } from '../account/api-key.ts'
import type { z } from 'zod'
import type { AdminGate } from '../admin/admin-gate.ts'
import type { Tenant } from '../store/store.ts'
import type { BodyBudget } from './body-budget.ts'
import type { BytesAnswer, Call, Handler } from './handler.ts'
import { callerNetwork } from './caller-network.ts'
import { parseWith } from './parse-with.ts'
import type { RateLimits } from './rate-limits.ts'
import { readBytes, readJson } from './read-body.ts'
import type { WatcherCount } from './watcher-count.ts'

export interface MountModules {
  readonly world: World
  readonly authenticate: (authorization: string | undefined) => Promise<Tenant>
  readonly admin: AdminGate
  readonly limits: RateLimits
  /** Of callers without a key, by the network they call from. */
  readonly openLimits: RateLimits
  /** For the bodies of callers with a key, and of those without. */
  readonly bodies: { readonly keyed: BodyBudget; readonly open: BodyBudget }
  readonly watchers: WatcherCount
}

const keepAliveMs = 15_000

/** Events that are ready at the same time. */
type EventGroup = readonly { readonly version: number }[]

/** A caller's watch of a stream of events. */
interface Watching {
  readonly call: AbortController
  /** Rejects where the caller's key no longer opens the stream. */
  readonly stillMay: () => Promise<unknown>
  /** Called once, when the stream is over. */
  readonly leave: () => void
}

/**
 * Server-sent events, each with its version for an id. A consumer that leaves, or whose key is revoked, ends the call, and
 * with it the events.
 */
const eventStream = (
  events: AsyncIterable<EventGroup>,
  world: World,
  { call, stillMay, leave }: Watching,
): Response => {
  const iterator = events[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let beat: Timer | undefined
  let isOver = false
  const end = () => {
    if (isOver) return
    isOver = true
    beat?.cancel()
    call.abort()
    leave()
    Promise.resolve(iterator.return?.()).catch(() => {})
  }
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const beatOnce = async (): Promise<void> => {
        try {
          await stillMay()
        } catch (error) {
          if (isOver || !(error instanceof MusterError) || error.code !== 'unauthenticated') return keepAlive()
          end()
          return controller.close()
        }
        if (!isOver && (controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
        keepAlive()
      }
      const keepAlive = () => {
        if (!isOver) beat = world.after(keepAliveMs, () => void beatOnce())
      }
      keepAlive()
    },
    pull: async (controller) => {
      try {
        const { done, value } = await iterator.next()
        if (call.signal.aborted) return
        if (done !== true) {
          const events = value.map((event) => `id: ${event.version}\ndata: ${toJson(event)}\n\n`)
          return controller.enqueue(encoder.encode(events.join('')))
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
  if (call.signal.aborted) end()
  else call.signal.addEventListener('abort', end, { once: true })
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
}

const byteStream = ({ stream, bytes, range }: BytesAnswer): Response => {
  const headers = {
    'content-type': 'application/octet-stream',
    ...(bytes === undefined ? {} : { 'content-length': String(bytes), 'accept-ranges': 'bytes' }),
  }
  const body = ReadableStream.from(stream)
  if (range === undefined) return new Response(body, { headers })
  return new Response(body, {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${range.total}` },
  })
}

const isEvents = (route: Route): boolean => typeof route.response === 'object' && 'events' in route.response

const respond = (route: Route, answer: unknown, world: World, watching: Watching): Response => {
  if (route.response === 'bytes') return byteStream(answer as BytesAnswer)
  if (isEvents(route)) return eventStream(answer as AsyncIterable<EventGroup>, world, watching)
  const cached = route.cacheSeconds === undefined ? {} : { 'cache-control': `public, max-age=${route.cacheSeconds}` }
  const headers = { 'content-type': 'application/json', ...cached }
  return new Response(toJson(answer), { status: route.status, headers })
}

const requireParams = (route: Route, context: Context): unknown => {
  const given: Readonly<Record<string, string>> = context.req.param()
  const parsed = route.params.safeParse(given)
  if (parsed.success) return parsed.data
  throw new MusterError({
    code: 'not_found',
    message: 'There is nothing at this address.',
    facts: {
      path: context.req.path,
      issues: parsed.error.issues.map(({ path, message }) => ({
        path: path.join('.'),
        expected: message,
        found: given[String(path[0])]?.slice(0, 120) ?? 'nothing',
      })),
    },
  })
}

export interface MountedRoute<R extends Route> {
  /** The operation id. */
  readonly name: string
  readonly route: R
  readonly handler: Handler<R>
  /** Of a body of JSON. */
  readonly maxBodyBytes: number
}

/** Serves one route of the protocol: parses, authenticates, calls the handler, writes the answer. Errors are the app's. */
export const mountRoute = <R extends Route>(
  app: Hono,
  { name, route, handler, maxBodyBytes }: MountedRoute<R>,
  modules: MountModules,
): void => {
  const { world, authenticate, admin, limits, openLimits, bodies, watchers } = modules
  const path = route.path.replace(/\{(\w+)\}/g, ':$1')
  app.on(route.method, path, async (context) => {
    const { raw } = context.req
    const network = route.auth === 'none' ? callerNetwork(context) : undefined
    if (network !== undefined) openLimits.request(network, route.weight)
    const authorization = context.req.header('authorization')
    const tenant = route.auth === 'tenant' ? await authenticate(authorization) : undefined
    const caller = route.auth === 'admin' ? await admin.enter(name, route, authorization) : undefined
    const key = route.auth === 'none' ? undefined : keyName(authorization)
    if (key !== undefined) {
      limits.request(key)
      if (route.body !== null) limits.requireBodyRoom(key)
    }
    const params = requireParams(route, context)
    const query = parseWith(route.query, context.req.query(), 'query')
    const bodyCode = route.errors.includes('spec_invalid') ? 'spec_invalid' : 'request_invalid'
    const share = bodies[route.auth === 'none' ? 'open' : 'keyed'].open()
    let leave = () => {}
    let isStream = false
    try {
      let body: unknown
      const onBytes = (bytes: number) => {
        if (key !== undefined) limits.body(key, bytes)
      }
      if (route.body === 'bytes') body = readBytes(raw, world, onBytes)
      else if (route.body !== null) {
        const json = await readJson(raw, { maxBytes: maxBodyBytes, share, onBytes }, world)
        body = parseWith(route.body as z.ZodType, json, '', bodyCode)
      }
      const ending = new AbortController()
      if (raw.signal.aborted) ending.abort()
      raw.signal.addEventListener('abort', () => ending.abort(), { once: true, signal: ending.signal })
      const header = (name: string) => context.req.header(name)
      const call = { params, query, body, tenant, admin: caller, header, signal: ending.signal }
      if (isEvents(route) && tenant !== undefined) leave = watchers.enter(tenant.id)
      const act = () => handler(call as Call<R>)
      const asked = { name, route, params, body, reason: header('muster-reason') }
      const answer = await (caller === undefined ? act() : admin.pass(caller, asked, act))
      isStream = isEvents(route)
      const stillMay = async () => (tenant === undefined ? undefined : authenticate(authorization))
      return respond(route, answer, world, { call: ending, stillMay, leave })
    } finally {
      share.release()
      if (!isStream) leave()
    }
  })
}
