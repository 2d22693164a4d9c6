import { MusterError, openApiDocument, routes, type Log, type RouteName } from '@muster/protocol'
import { Hono } from 'hono'
import { keyName } from '../account/api-key.ts'
import { createAuthenticate } from '../account/authenticate.ts'
import { createAdminGate } from '../admin/admin-gate.ts'
import { createAdminKeys } from '../admin/admin-keys.ts'
import { createAdminLog } from '../admin/admin-log.ts'
import type { Market } from '../market.ts'
import type { MarketMetrics } from '../metric/market-metrics.ts'
import { adminHandlers, type NodeTools } from './admin-handlers.ts'
import { auctionHandlers } from './auction-handlers.ts'
import { createBodyBudget } from './body-budget.ts'
import { keyedBodiesBytes, maxBodyBytes, openBodiesBytes } from './body-limits.ts'
import { callerNetwork } from './caller-network.ts'
import { errorResponse } from './error-response.ts'
import { forwardToOwner } from './forward-to-owner.ts'
import type { Handler } from './handler.ts'
import { jobHandlers } from './job-handlers.ts'
import { leaseHandlers } from './lease-handlers.ts'
import { accountHandlers, blobHandlers, publicHandlers } from './market-handlers.ts'
import { moneyHandlers } from './money-handlers.ts'
import { mountRoute } from './mount-route.ts'
import { pageHeaders } from '../price-index/prices-page.ts'
import { showPrices } from '../price-index/show-prices.ts'
import { priceHandlers } from './price-handlers.ts'
import { providerHandlers } from './provider-handlers.ts'
import { standingOrderHandlers } from './standing-order-handlers.ts'
import { createRateLimits, type RateStanding } from './rate-limits.ts'
import { createWatcherCount } from './watcher-count.ts'

export interface AppModules {
  readonly market: Market
  readonly metrics: MarketMetrics
  readonly adminKey: string
  readonly log: Log
  /** What a node knows of its machine; left out, nothing. */
  readonly tools?: NodeTools
}

type Handlers = { readonly [Name in RouteName]: Handler<(typeof routes)[Name]> }

/** No browser guesses what a blob is. */
const everyAnswer = { 'x-content-type-options': 'nosniff' }

/** How a key stands with its limit, as draft-ietf-httpapi-ratelimit-headers names it. */
const standingHeaders: Readonly<Record<keyof RateStanding, string>> = {
  limit: 'ratelimit-limit',
  remaining: 'ratelimit-remaining',
  resetSeconds: 'ratelimit-reset',
}

const notFound = (path: string): MusterError =>
  new MusterError({
    code: 'not_found',
    message: 'There is nothing at this address.',
    facts: { path: path.slice(0, 200) },
  })

/** The HTTP API of a market as a value: `app.request()` answers without a socket. */
export const createApp = ({ market, metrics, adminKey, log, tools = {} }: AppModules): Hono => {
  const { world, store } = market.modules
  const app = new Hono()
  const adminKeys = createAdminKeys({ world, store, ownerKey: adminKey })
  const handlers: Handlers = {
    ...jobHandlers(market),
    ...leaseHandlers(market),
    ...auctionHandlers(market),
    ...blobHandlers(market),
    ...accountHandlers(market),
    ...moneyHandlers(market),
    ...publicHandlers(market),
    ...providerHandlers(market),
    ...priceHandlers(market),
    ...standingOrderHandlers(market),
    ...adminHandlers(market, adminKeys, tools),
  }
  const bodies = { keyed: createBodyBudget(keyedBodiesBytes), open: createBodyBudget(openBodiesBytes) }
  const watchers = createWatcherCount(market.options.tenantWatches)
  const admin = createAdminGate(adminKeys, createAdminLog({ world, store }))
  const limits = createRateLimits(
    {
      requestsPerSecond: market.options.keyRequestsPerSecond,
      burst: market.options.keyRequestBurst,
      bodyBytesPerSecond: market.options.keyBodyBytesPerSecond,
    },
    world,
  )
  const openLimits = createRateLimits(
    {
      who: 'Whoever has no key',
      requestsPerSecond: market.options.openRequestsPerSecond,
      burst: market.options.openRequestBurst,
      bodyBytesPerSecond: 0,
    },
    world,
  )
  const authenticate = createAuthenticate({ world, store })

  app.use(async (context, next) => {
    const startedAt = world.elapsed()
    await next()
    for (const [name, value] of Object.entries(everyAnswer)) context.res.headers.set(name, value)
    // What a key opens is for its bearer: no cache between keeps an answer that does not say otherwise.
    if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store')
    const authorization = context.req.header('authorization')
    if (authorization !== undefined && context.res.status !== 401) {
      const standing = limits.standing(keyName(authorization))
      for (const [name, value] of Object.entries(standing ?? {}))
        context.res.headers.set(standingHeaders[name as keyof RateStanding], String(value))
    }
    metrics.observeRequest(context.req.method, context.res.status, world.elapsed() - startedAt)
  })
  const mount = <Name extends RouteName>(name: Name) =>
    mountRoute<(typeof routes)[Name]>(
      app,
      {
        name,
        route: routes[name],
        handler: handlers[name] as Handler<(typeof routes)[Name]>,
        maxBodyBytes: maxBodyBytes(name),
      },
      { world, authenticate, admin, limits, openLimits, bodies, watchers },
    )
  app.use('/v1/jobs/:job', forwardToOwner(market))
  app.use('/v1/jobs/:job/*', forwardToOwner(market))
  for (const name of Object.keys(routes) as RouteName[]) mount(name)
  market.fetch = async (request) => app.fetch(request)

  const prices = showPrices(market.modules.prices.desk)
  let openApi: string | undefined
  app.get('/v1/openapi.json', (context) => {
    openApi ??= JSON.stringify(openApiDocument())
    return context.body(openApi, 200, { 'content-type': 'application/json' })
  })
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.get('/readyz', async (context) => {
    await store.ping()
    return context.json({ ok: true })
  })
  app.get('/prices', async (context) => {
    const network = callerNetwork(context)
    if (network !== undefined) openLimits.request(network)
    return context.body(await prices(context.req.query()), 200, pageHeaders)
  })
  app.get('/metrics', async (context) =>
    context.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
  app.notFound((context) => errorResponse(notFound(context.req.path), log))
  app.onError((error) => errorResponse(error, log))
  return app
}
