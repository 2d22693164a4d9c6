import {
  MusterError,
  parseAttemptId,
  parseId,
  type JobId,
  type JobView,
  type RouteName,
  type TenantId,
  type routes,
} from '@muster/protocol'
import { cancelJob } from '../job/cancel-job.ts'
import { jobRow, jobView } from '../job/job-row.ts'
import { listJobs } from '../job/list-jobs.ts'
import { listTasks } from '../job/list-tasks.ts'
import { loadJob } from '../job/load-job.ts'
import { submitJob } from '../job/submit-job.ts'
import { watchJob } from '../job/watch-job.ts'
import type { Market } from '../market.ts'
import { bundleReceipts } from '../receipt/bundle-receipts.ts'
import type { JobRow } from '../store/store.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

const logsTimeoutMs = 5_000

const noAttempt = (attempt: string): MusterError =>
  new MusterError({ code: 'not_found', message: 'There is no such attempt.', facts: { attempt } })

/** An open job that nobody writes is on its way from one node to another. */
const requireClosed = ({ id, phase }: JobRow): void => {
  if (phase !== 'active') return
  throw new MusterError({
    code: 'unavailable',
    message: 'Another node of the market is taking this job up; try again in a moment.',
    facts: { job: id },
    retryAfterMs: 1_000,
  })
}

/** Handlers of everything about jobs, tasks, attempts and receipts. */
export const jobHandlers = (
  market: Market,
): Handlers<
  'submitJob' | 'listJobs' | 'getJob' | 'listTasks' | 'watchJob' | 'cancelJob' | 'listReceipts' | 'attemptLogs'
> => {
  const { store, jobs, world } = market.modules

  /** A job of this tenant; anyone else's is not found either. */
  const requireJob = async (id: JobId, tenant: TenantId) => {
    const row = await store.jobs.get(id)
    if (row?.tenant === tenant) return row
    throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job: id } })
  }

  const view = async (id: JobId, tenant: TenantId): Promise<JobView> => {
    const [shown] = await listJobs([await requireJob(id, tenant)], market.modules)
    if (shown !== undefined) return shown
    throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job: id } })
  }

  const fold = async (id: JobId) => {
    const job = jobs.get(id)?.peek() ?? (await loadJob(store, id))?.job
    if (job === undefined)
      throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job: id } })
    return job
  }

  return {
    submitJob: async ({ body: { spec, order }, tenant, header }) => {
      const key = header('idempotency-key')
      const idempotencyKey = key === undefined ? undefined : parseId('order', key)
      const id = await submitJob({ tenant, spec, order, idempotencyKey }, market.submitModules)
      const job = jobs.get(id)?.peek()
      return job === undefined ? view(id, tenant.id) : jobView(jobRow(job, world.now()), spec.name, job.unmatched)
    },
    listJobs: async ({ query: { limit, before }, tenant }) => {
      const rows = await store.jobs.list({ tenant: tenant.id, limit, ...(before === undefined ? {} : { before }) })
      return { jobs: await listJobs(rows, market.modules) }
    },
    getJob: ({ params: { job }, tenant }) => view(job, tenant.id),
    listTasks: async ({ params: { job }, query: { from, limit }, tenant }) => {
      await requireJob(job, tenant.id)
      return { tasks: listTasks(await fold(job), from, limit) }
    },
    watchJob: async ({ params: { job }, query: { after }, tenant, header, signal }) => {
      await requireJob(job, tenant.id)
      const last = Number(header('last-event-id') ?? 0)
      return watchJob(job, Math.max(after, Number.isSafeInteger(last) ? last : 0), { store, jobs }, signal)
    },
    cancelJob: async ({ params: { job }, tenant }) => {
      const row = await requireJob(job, tenant.id)
      const actor = jobs.get(job)
      if (actor !== undefined) await cancelJob(actor)
      else requireClosed(row)
      return view(job, tenant.id)
    },
    listReceipts: async ({ params: { job }, query: { after, limit }, tenant }) => {
      await requireJob(job, tenant.id)
      const receipts = await store.receipts.ofJob(job, { limit, ...(after === undefined ? {} : { after }) })
      return { receipts: bundleReceipts(await fold(job), receipts, market.domain.chainId) }
    },
    attemptLogs: async ({ params: { attempt }, tenant }) => {
      const name = parseAttemptId(attempt)
      if (name === undefined) throw noAttempt(attempt)
      await requireJob(name.job, tenant.id)
      const job = await fold(name.job)
      const state = job.tasks[name.index]?.attempts.find(({ fence }) => fence === name.fence)
      if (state === undefined) throw noAttempt(attempt)
      const provider = job.leases.get(state.lease)?.provider
      const peer = provider === undefined ? undefined : market.modules.supply.peer(provider)
      if (peer === undefined) {
        throw new MusterError({
          code: 'unavailable',
          message: 'The machine that ran this attempt is not linked now; its logs are with it.',
          facts: { attempt },
        })
      }
      return peer.call('logs', { attempt }, { timeoutMs: logsTimeoutMs })
    },
  }
}
