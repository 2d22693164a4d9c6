import type { Route } from '@muster/protocol'
import type { z } from 'zod'
import type { AdminCaller } from '../admin/admin-keys.ts'
import type { Tenant } from '../store/store.ts'

type Parsed<Schema> = Schema extends z.ZodType
  ? z.output<Schema>
  : Schema extends 'bytes'
    ? AsyncIterable<Uint8Array>
    : undefined

/** A call of a route, parsed and authenticated. */
export interface Call<R extends Route> {
  readonly params: z.output<R['params']>
  readonly query: z.output<R['query']>
  readonly body: Parsed<R['body']>
  /** Who calls: a tenant exactly where the route's auth says so. */
  readonly tenant: R['auth'] extends 'tenant' ? Tenant : undefined
  /** The admin, exactly where the route's auth says so. */
  readonly admin: R['auth'] extends 'admin' ? AdminCaller : undefined
  header(name: string): string | undefined
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal
}

/** Bytes of an answer, with the range they are of the whole where the caller asked for one. */
export interface BytesAnswer {
  readonly stream: AsyncIterable<Uint8Array>
  /** Left out where that is not known beforehand. */
  readonly bytes?: number | undefined
  readonly range?: { readonly start: number; readonly end: number; readonly total: number }
}

type Answer<R extends Route> = R['response'] extends { readonly json: infer Json extends z.ZodType }
  ? z.output<Json>
  : R['response'] extends { readonly events: infer Event extends z.ZodType }
    ? AsyncIterable<readonly (z.output<Event> & { readonly version: number })[]>
    : BytesAnswer

export type Handler<R extends Route> = (call: Call<R>) => Promise<Answer<R>> | Answer<R>
