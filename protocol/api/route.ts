import type { z } from 'zod'
import type { ErrorCode } from '../error/error-codes.ts'
import type { AdminRule } from './admin-rule.ts'

/** Who may call: anyone, a tenant with a key, or an admin of the market, by role. */
export type RouteAuth = 'none' | 'tenant' | 'admin'

type Shape = z.ZodObject
type Body = z.ZodType | 'bytes' | null
/** JSON of a schema, raw bytes, or server-sent events each holding JSON of a schema. */
type Answer = { readonly json: z.ZodType } | { readonly events: z.ZodType } | 'bytes'

/** One route of a market's HTTP API. Server, client and OpenAPI all derive from it. */
export interface Route<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  RequestBody extends Body = Body,
  Response extends Answer = Answer,
  Auth extends RouteAuth = RouteAuth,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Parameters in braces: `/v1/jobs/{job}`. */
  readonly path: string
  readonly summary: string
  readonly auth: Auth
  /** Of an admin route: which roles may call it. Without it only the owner may, and every call is recorded. */
  readonly admin?: AdminRule
  readonly params: Params
  readonly query: Query
  readonly body: RequestBody
  readonly response: Response
  readonly status: 200 | 201
  /** How long anyone may keep an answer; left out, nobody may. */
  readonly cacheSeconds?: number
  /** Of a route without a key: how many requests one counts for; 1 where it is left out. */
  readonly weight?: number
  /** Codes beyond those every route can answer with. */
  readonly errors: readonly ErrorCode[]
}

export const defineRoute = <
  Params extends Shape,
  Query extends Shape,
  RequestBody extends Body,
  Response extends Answer,
  const Auth extends RouteAuth,
>(
  route: Route<Params, Query, RequestBody, Response, Auth>,
): Route<Params, Query, RequestBody, Response, Auth> => route

export type RouteParams<R extends Route> = z.input<R['params']>
export type RouteQuery<R extends Route> = z.input<R['query']>
export type RouteBody<R extends Route> = R['body'] extends z.ZodType
  ? z.input<R['body']>
  : R['body'] extends 'bytes'
    ? AsyncIterable<Uint8Array> | Uint8Array
    : undefined
export type RouteResponse<R extends Route> = R['response'] extends { readonly json: infer Json extends z.ZodType }
  ? z.output<Json>
  : R['response'] extends { readonly events: infer Event extends z.ZodType }
    ? AsyncIterable<z.output<Event>>
    : AsyncIterable<Uint8Array>

/** The path with its parameters filled in. */
export const fillPath = (route: Route, params: Readonly<Record<string, unknown>>): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])))
