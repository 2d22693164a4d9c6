import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  cidOf,
  createVerifier,
  effectivePrice,
  explainNoFit,
  MusterError,
  newId,
  nobleSecp256k1,
  problemSchema,
  rankOffers,
  routes,
  systemWorld,
  taskPhase,
  toJson,
  toProblem,
  type AccountNotice,
  type AuditReport,
  type Cid,
  type JobSpec,
  type Route,
  type RouteName,
  type SignedOrder,
  type Standing,
  type SignedStatementRequest,
  type Statement,
  type TaskView,
} from '@muster/protocol'
import { fakeExtend, fakeLeases, fakeResize } from './fake-leases.ts'
import { createFakeNetwork, chainId, type FakeNetwork, type FakeNetworkOptions } from './fake-network.ts'

/**
 * What befalls the next call of a route: `drop` breaks the connection before anything is done, `lose` after it was done,
 * `cut` ends a stream after so many events, `corrupt` flips a byte, `hang` never answers, `answer` answers something else.
 */
export type Fault =
  | { readonly type: 'drop' | 'lose' | 'hang' | 'corrupt' }
  | { readonly type: 'cut'; readonly after: number }
  | {
      readonly type: 'answer'
      readonly status: number
      readonly body: string
      readonly headers?: Record<string, string>
    }

export interface FakeMarketOptions extends FakeNetworkOptions {
  readonly maxBlobBytes?: number
  /** What the account says of its money beside the balance. */
  readonly funds?: {
    readonly burn?: bigint
    readonly runwayMs?: number
    readonly standing?: Standing
    readonly belowMs?: number
    readonly graceUntil?: number
  }
  readonly notices?: readonly AccountNotice[]
  readonly audit?: AuditReport
  readonly statement?: Statement
  /** Run every job as soon as it is submitted. Default true. */
  readonly runsAtOnce?: boolean
}

export const fakeApiKey = 'test-key'

const statusOf: Readonly<Record<string, number>> = {
  not_found: 404,
  lease_closed: 410,
  blob_missing: 404,
  unauthenticated: 401,
  forbidden: 403,
  insufficient_funds: 402,
  unavailable: 503,
  internal: 500,
  nothing_fits: 409,
  signature_invalid: 403,
}

interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
  readonly json: unknown
  readonly headers: IncomingMessage['headers']
}

const matchPath = (route: Route, path: string): Record<string, string> | undefined => {
  const names: string[] = []
  const pattern = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    names.push(name)
    return '([^/]+)'
  })
  const match = new RegExp(`^${pattern}$`).exec(path)
  if (match === null) return undefined
  return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? '')]))
}

const readBody = async (request: IncomingMessage): Promise<Uint8Array> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Listens on a free port of this machine and speaks the protocol's routes. Counts its calls and does as badly as it is told. */
export const startFakeMarket = async (options: FakeMarketOptions = {}) => {
  const network = createFakeNetwork(options)
  const calls: RouteName[] = []
  const faults = new Map<RouteName, Fault[]>()
  const seen: { name: RouteName; headers: IncomingMessage['headers'] }[] = []

  const answer = (name: RouteName, { params, query, json, body, headers }: Call): unknown => {
    switch (name) {
      case 'market':
        return {
          address: network.market,
          chainId,
          version: '0.1.0',
          now: systemWorld.now(),
          maxBlobBytes: options.maxBlobBytes ?? 2 ** 30,
          linkedAgents: network.offers.length,
          feeBasisPoints: 0,
        }
      case 'account': {
        const escrow = [...network.jobs.values()].reduce(
          (sum, { job }) => sum + (job.closed === null ? job.spec.ceiling : 0n),
          0n,
        )
        const { tenant, address, custody } = network
        const balance = (options.balance ?? 10n ** 12n) - escrow
        const calm = { burn: 0n, runwayMs: null, standing: 'fine', belowMs: null, graceUntil: null }
        return { tenant, address, custody, balance, escrow, ...calm, ...options.funds }
      }
      case 'runway': {
        const { burn = 0n, runwayMs = null } = options.funds ?? {}
        const jobs = [...network.jobs.values()].map(({ job, name }) => ({
          job: job.id,
          name,
          burn,
          escrow: job.spec.ceiling,
          expected: job.spec.ceiling / 2n,
        }))
        const balance = options.balance ?? 10n ** 12n
        const rules = { warnBelowMs: [86_400_000, 7_200_000], graceMs: 259_200_000 }
        return { balance, escrow: 0n, burn, runwayMs, ...rules, jobs }
      }
      case 'accountEvents':
        return { events: options.notices ?? [] }
      case 'refund': {
        const { of } = json as { of: { receipt?: string; job?: string; amount?: string } }
        const [job] = network.jobs.keys()
        const entry = headers['idempotency-key'] ?? newId(systemWorld, 'entry')
        const reversal = of.receipt === undefined ? null : newId(systemWorld, 'receipt')
        return {
          entry,
          job: of.job ?? job ?? newId(systemWorld, 'job'),
          tenant: network.tenant,
          amount: of.amount ?? '278',
          reversal,
        }
      }
      case 'auditLedger':
        return options.audit ?? { ok: true, startedAt: 1, endedAt: 2, passes: 1, checks: [] }
      case 'statementChallenge':
        return { challenge: `0x${'66'.repeat(32)}`, market: network.market, chainId, at: systemWorld.now() }
      case 'statement': {
        const { request } = json as { request: SignedStatementRequest }
        const domain = { chainId, market: network.market }
        createVerifier(nobleSecp256k1).requireSigner(domain, request, request.record.provider)
        return { ...options.statement, provider: request.record.provider }
      }
      case 'putBlob': {
        const cid = cidOf(body)
        if (cid !== params['cid']) throw new MusterError({ code: 'blob_corrupt', message: 'Not what the CID says.' })
        network.blobs.set(cid, body)
        return { cid, bytes: body.length }
      }
      case 'findBlobs': {
        const { cids } = json as { cids: Cid[] }
        return { missing: cids.filter((cid) => !network.blobs.has(cid)) }
      }
      case 'submitJob': {
        const { spec, order } = json as { spec: JobSpec; order?: SignedOrder }
        const view = network.submit(spec, order, headers['idempotency-key'] as string | undefined)
        if (options.runsAtOnce !== false) network.run(view.id)
        return network.require(view.id).view()
      }
      case 'getJob':
        return network.require(params['job'] ?? '').view()
      case 'listJobs':
        return { jobs: [...network.jobs.values()].map(({ view }) => view()).reverse() }
      case 'listTasks': {
        const { job } = network.require(params['job'] ?? '')
        const from = Number(query['from'])
        const tasks = job.tasks.map((task, index): TaskView => ({
          index,
          phase: taskPhase(task),
          attempts: task.attempts.map(({ fence, phase }) => ({
            fence,
            provider: [...job.leases.values()][0]?.provider ?? network.market,
            phase,
          })),
          outputs: [...(job.outputs.get(index) ?? [])],
          amount: job.amounts.get(index) ?? null,
          problem: job.problems.get(index) ?? null,
        }))
        return { tasks: tasks.slice(from, from + Number(query['limit'])) }
      }
      case 'listReceipts': {
        const { bundles } = network.require(params['job'] ?? '')
        const from = bundles.findIndex(({ receipt }) => receipt.record.id === query['after']) + 1
        return { receipts: bundles.slice(from, from + Number(query['limit'])) }
      }
      case 'cancelJob':
        return network.cancel(params['job'] ?? '')
      case 'listLeases':
        return fakeLeases(network.require(params['job'] ?? '').job)
      case 'extendLease':
        return fakeExtend(network, params['job'] ?? '', params['lease'] ?? '', (json as { until: number }).until)
      case 'resizeJob':
        return fakeResize(network, params['job'] ?? '', json as Parameters<typeof fakeResize>[2])
      case 'attemptLogs':
        return { lines: [`log of ${params['attempt']}`] }
      case 'listOffers':
        return { offers: network.offers.map((offer) => ({ ...offer, free: offer.record.slots })) }
      case 'match': {
        const demand = json as JobSpec
        const offers = rankOffers(demand, network.offers, systemWorld.now())
        const problem = offers.length > 0 ? null : toProblem(explainNoFit(demand, network.offers, systemWorld.now()))
        const sound = { hazardPerHour: 0, success: 0.5, startFactor: 1, durationFactor: 1 }
        const work = { durationMs: 1_000, startMs: 0, operators: 0, transferNanoUsd: 0, checkpoint: null }
        const effective =
          demand.award === 'effective' ? offers.map(({ record }) => effectivePrice(record, sound, work)) : []
        return { slots: offers.reduce((sum, { record }) => sum + record.slots, 0), offers, effective, problem }
      }
      case 'createKey':
        return { key: newId(systemWorld, 'key'), apiKey: 'another-key' }
      case 'revokeKey':
        return {}
      default:
        throw new MusterError({ code: 'not_found', message: `The fake market does not speak ${name}.` })
    }
  }

  const streamEvents = (job: string, after: number, response: ServerResponse, fault: Fault | undefined) => {
    const { timeline } = network.require(job)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    let sent = after
    let left = fault?.type === 'cut' ? fault.after : Number.POSITIVE_INFINITY
    const push = () => {
      for (; sent < timeline.length; sent++) {
        if (left-- <= 0) return stop(true)
        const event = timeline[sent]
        response.write(`: comment\nid: ${sent + 1}\nevent: ${event?.type}\ndata: ${toJson(event)}\n\n`)
        if (event?.outcome !== undefined) return stop(false)
      }
      if (left <= 0) stop(true)
      else if (timeline.at(-1)?.outcome !== undefined) stop(false)
    }
    const stop = (isCut: boolean) => {
      network.listeners.delete(push)
      if (isCut) response.socket?.destroySoon()
      else response.end()
    }
    network.listeners.add(push)
    response.on('close', () => network.listeners.delete(push))
    push()
  }

  const sendBlob = (cid: string, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) => {
    const held = network.blobs.get(cid as Cid)
    if (held === undefined)
      throw new MusterError({ code: 'blob_missing', message: 'This blob is not here.', facts: { cid } })
    const bytes = Uint8Array.from(held)
    if (fault?.type === 'corrupt') bytes[0] = (bytes[0] ?? 0) ^ 1
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const part = range === null ? bytes : bytes.slice(Number(range[1]), Number(range[2]) + 1)
    response.writeHead(range === null ? 200 : 206, { 'content-type': 'application/octet-stream' }).end(part)
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const found = Object.entries(routes).find(
      ([, route]) => route.method === request.method && matchPath(route, url.pathname) !== undefined,
    )
    if (found === undefined) return void response.writeHead(404).end('no such route')
    const [name, route] = found as [RouteName, Route]
    calls.push(name)
    seen.push({ name, headers: request.headers })
    const fault = faults.get(name)?.shift()
    const body = await readBody(request)
    if (fault?.type === 'drop') return void request.socket.destroy()
    if (fault?.type === 'hang') return
    if (fault?.type === 'answer') return void response.writeHead(fault.status, fault.headers).end(fault.body)
    try {
      if (route.auth !== 'none' && request.headers.authorization !== `Bearer ${fakeApiKey}`) {
        throw new MusterError({
          code: 'unauthenticated',
          message: 'This API key is not known here; create one, or use another.',
        })
      }
      const params = matchPath(route, url.pathname) ?? {}
      const query = route.query.parse(Object.fromEntries(url.searchParams))
      if (name === 'watchJob') return streamEvents(params['job'] ?? '', Number(query['after']), response, fault)
      if (name === 'getBlob') return sendBlob(params['cid'] ?? '', request, response, fault)
      const json =
        route.body === null || route.body === 'bytes'
          ? undefined
          : route.body.parse(JSON.parse(new TextDecoder().decode(body)))
      const result = answer(name, { params, query, json, body, headers: request.headers })
      if (fault?.type === 'lose') return void request.socket.destroy()
      response.writeHead(route.status, { 'content-type': 'application/json' }).end(toJson(result))
    } catch (error) {
      const problem = problemSchema.parse(toProblem(error))
      response
        .writeHead(statusOf[problem.code] ?? 400, { 'content-type': 'application/problem+json' })
        .end(toJson(problem))
    }
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    network: network as FakeNetwork,
    calls,
    seen,
    /** The next call of this route meets this; several queue up. */
    fail: (name: RouteName, ...next: readonly Fault[]) => void faults.set(name, [...(faults.get(name) ?? []), ...next]),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export type FakeMarket = Awaited<ReturnType<typeof startFakeMarket>>
