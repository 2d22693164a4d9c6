import {
  createSigner,
  escrowAccount,
  loadSecp256k1,
  silentLog,
  timelineEventSchema,
  toJson,
  type AccountName,
  type Cid,
  type JobId,
  type JobView,
  type Log,
  type Problem,
  type TaskView,
  type TenantId,
  type TimelineEvent,
} from '@muster/protocol'
import type { Hono } from 'hono'
import type { BlobStore } from '../blob/blob-store.ts'
import type { ClusterLink } from '../cluster/cluster.ts'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { createApp } from '../http/app.ts'
import { auditLedger } from '../ledger/audit/audit-ledger.ts'
import { createMarket, type Market } from '../market.ts'
import { createMarketMetrics } from '../metric/market-metrics.ts'
import { compileMarketOptions, type WrittenMarketOptions } from '../options.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { createMemoryStore, type FaultPoint } from '../store/memory/create-memory-store.ts'
import { createMemoryDisk, type MemoryDisk } from '../store/memory/memory-disk.ts'
import type { Store } from '../store/store.ts'
import type { ScriptedAgent, ScriptedAgentOptions } from './script.ts'
import { createScriptedAgent } from './scripted-agent.ts'
import { createVirtualWorld, type VirtualWorld } from './virtual-world.ts'

const secp256k1 = await loadSecp256k1()

export const adminKey = 'admin-key-of-the-rehearsal'

export interface RehearsalOptions {
  readonly market?: WrittenMarketOptions
  /** Dollars of stake for each agent, in nano-dollars. */
  readonly stake?: bigint
  readonly balance?: bigint
  readonly bugs?: ReadonlySet<PlantedBug>
  readonly log?: Log
  readonly wrapBlobs?: (blobs: BlobStore) => BlobStore
  readonly wrapStore?: (store: Store) => Store
  /** What this market shares with others; made for it where left out. */
  readonly world?: VirtualWorld
  readonly disk?: MemoryDisk
  readonly blobs?: BlobStore
  /** How it is one of several nodes. */
  readonly cluster?: ClusterLink
}

/** A tenant of the rehearsal and what it can do over HTTP. */
export interface Tenant {
  readonly id: TenantId
  readonly apiKey: string
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Response>
  readonly submit: (spec: Record<string, unknown>, headers?: Record<string, string>) => Promise<JobView>
  readonly job: (id: JobId) => Promise<JobView>
  readonly tasks: (id: JobId) => Promise<TaskView[]>
  readonly events: (id: JobId, query?: string, headers?: Record<string, string>) => Promise<TimelineEvent[]>
  readonly cancel: (id: JobId) => Promise<JobView>
  readonly upload: (cid: Cid, bytes: Uint8Array) => Promise<Response>
}

/** A whole market in one process on virtual time: store and blobs in memory, HTTP by `app.request()`, scripted agents. */
export interface Rehearsal {
  readonly world: VirtualWorld
  readonly market: () => Market
  readonly app: () => Hono
  readonly store: () => Store
  readonly blobs: BlobStore
  /** Throws at a fault point of a commit: see `createMemoryStore`. */
  fault: ((point: FaultPoint) => void) | undefined
  readonly agent: (options: ScriptedAgentOptions) => Promise<ScriptedAgent>
  readonly tenant: (balance?: bigint, name?: string) => Promise<Tenant>
  readonly admin: (method: string, path: string, body: unknown) => Promise<Response>
  readonly balance: (account: AccountName) => Promise<bigint>
  /** The process ends at once and another starts on what was durable. Agents notice when they are told to. */
  readonly restart: () => Promise<void>
  /** The process ends at once. Agents notice when they are told to. */
  readonly crash: () => Promise<void>
  readonly closed: (tenant: Tenant, job: JobId, limitMs?: number) => Promise<JobView>
  /** The ledger sums to zero and each account to its entries; the escrow of this job is empty. */
  readonly audit: (job?: JobId) => Promise<void>
}

export const problemOf = async (response: Response): Promise<Problem & { readonly status: number }> =>
  (await response.json()) as Problem & { readonly status: number }

/** A job of no-op tasks as JSON takes it. */
export const noopSpec = (tasks: number, change: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'rehearsed',
  runtime: 'noop',
  program: null,
  tasks: Array.from({ length: tasks }, () => ({ inputs: [] })),
  slots: 2,
  resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0 },
  maxPrice: { nanoUsd: '1000', per: 'task' },
  ceiling: String(tasks * 1000),
  ...change,
})

export const rehearse = async (options: RehearsalOptions = {}): Promise<Rehearsal> => {
  const world = options.world ?? createVirtualWorld()
  const disk = options.disk ?? createMemoryDisk()
  const plainBlobs = options.blobs ?? createMemoryBlobs(new Map(), () => world.now())
  const blobs = options.wrapBlobs?.(plainBlobs) ?? plainBlobs
  const log = options.log ?? silentLog
  const signer = createSigner(secp256k1, new Uint8Array(32).fill(0x4d))
  const compiled = compileMarketOptions({ adminKey, benchmarkHours: 0, ...options.market })
  let market: Market
  let app: Hono
  let store: Store

  const start = async (): Promise<void> => {
    let isAlive = true
    stopWorld = () => {
      isAlive = false
    }
    const plain = createMemoryStore({ disk, onFaultPoint: (point) => rehearsal.fault?.(point) })
    store = options.wrapStore?.(plain) ?? plain
    const processWorld = {
      ...world,
      after: (delayMs: number, action: () => void) =>
        world.after(delayMs, () => {
          if (isAlive) action()
        }),
    }
    const modules = { world: processWorld, store, blobs, secp256k1, signer, personalSecret: new Uint8Array(32), log }
    market = createMarket(compiled, {
      ...modules,
      ...(options.bugs === undefined ? {} : { bugs: options.bugs }),
      ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
    })
    app = createApp({ market, metrics: createMarketMetrics(market), adminKey, log })
    await market.start()
  }
  let stopWorld = () => {}

  const call =
    (key: string) =>
    async (method: string, path: string, body?: unknown, headers = {}) =>
      app.request(path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : toJson(body) }),
      })
  const admin = call(adminKey)

  const readAs = async <Body>(response: Response | Promise<Response>): Promise<Body> => {
    const arrived = await response
    if (!arrived.ok) throw new Error(`HTTP ${arrived.status}: ${await arrived.text()}`)
    return (await arrived.json()) as Body
  }

  const tenant = async (balance = options.balance ?? 1_000_000_000n, name = 'tenant'): Promise<Tenant> => {
    const made = await readAs<{ tenant: TenantId; apiKey: string }>(admin('POST', '/v1/admin/tenants', { name }))
    if (balance > 0n) {
      const to = { account: 'tenant', tenant: made.tenant }
      await readAs(admin('POST', '/v1/admin/deposits', { to, amount: balance }))
    }
    const request = call(made.apiKey)
    return {
      id: made.tenant,
      apiKey: made.apiKey,
      request,
      submit: (spec, headers) => readAs<JobView>(request('POST', '/v1/jobs', { spec }, headers)),
      job: (id) => readAs<JobView>(request('GET', `/v1/jobs/${id}`)),
      tasks: async (id) => (await readAs<{ tasks: TaskView[] }>(request('GET', `/v1/jobs/${id}/tasks`))).tasks,
      events: async (id, query = '', headers = {}) => {
        const response = await request('GET', `/v1/jobs/${id}/events${query}`, undefined, headers)
        return [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, json]) =>
          timelineEventSchema.parse(JSON.parse(json ?? '')),
        )
      },
      cancel: (id) => readAs<JobView>(request('POST', `/v1/jobs/${id}/cancel`)),
      upload: (cid, bytes) =>
        Promise.resolve(
          app.request(`/v1/blobs/${cid}`, {
            method: 'PUT',
            headers: { authorization: `Bearer ${made.apiKey}` },
            body: Uint8Array.from(bytes),
          }),
        ),
    }
  }

  const rehearsal: Rehearsal = {
    world,
    market: () => market,
    app: () => app,
    store: () => store,
    blobs,
    fault: undefined,
    agent: async (agentOptions) => {
      const agent = createScriptedAgent(world, agentOptions)
      await market.acceptEpoch(agent.address, 1)
      const to = { account: 'stake', provider: agent.address }
      const stake = options.stake ?? 1_000_000_000n
      if (stake > 0n) await readAs(admin('POST', '/v1/admin/deposits', { to, amount: stake }))
      agent.link(market)
      return agent
    },
    tenant,
    admin,
    balance: (account) => store.ledger.balance(account),
    crash: async () => {
      stopWorld()
      void market.stop()
      await world.settle()
    },
    restart: async () => {
      await rehearsal.crash()
      await start()
    },
    closed: async (of, job, limitMs) => {
      await world.until(async () => (await of.job(job)).phase === 'closed', limitMs)
      await world.settle()
      return of.job(job)
    },
    audit: async (job) => {
      const audit = await store.ledger.audit()
      if (
        audit.total !== 0n ||
        audit.mismatches.length > 0 ||
        audit.unreconciled.length > 0 ||
        audit.paidTwice.length > 0
      )
        throw new Error(`the ledger is broken: ${toJson(audit)}`)
      const after = (_: number, action: () => void) => {
        queueMicrotask(action)
        return { cancel: () => {} }
      }
      const report = await auditLedger({ world: { ...world, after }, store })
      if (!report.ok) throw new Error(`the ledger does not add up: ${toJson(report.checks)}`)
      if (job === undefined) return
      const escrow = await store.ledger.balance(escrowAccount(job))
      if (escrow !== 0n) throw new Error(`escrow of ${job} holds ${escrow}`)
    },
  }
  await start()
  return rehearsal
}
