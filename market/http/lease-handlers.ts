import {
  digestOf,
  kindOfLease,
  MusterError,
  type Job,
  type JobId,
  type JobLeases,
  type LeaseState,
  type LeaseView,
  type RouteName,
  type TenantId,
  type routes,
} from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { loadJob } from '../job/load-job.ts'
import { resizeJob } from '../job/resize-job.ts'
import { leaseNotFound } from '../lease/amend-lease.ts'
import { extendLease } from '../lease/extend-lease.ts'
import type { Market } from '../market.ts'
import type { JobRow } from '../store/store.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

const leaseView = (state: LeaseState): LeaseView => ({
  id: state.lease.record.id,
  provider: state.provider,
  kind: kindOfLease(state.lease.record),
  phase: state.phase,
  slots: state.slots,
  until: state.until,
  notice: state.notice,
  isBroken: state.isBroken,
  closed: state.closed,
  lease: state.lease,
  amendments: [...state.amendments],
})

const jobLeases = ({ order, slots, resizes, leases }: Job): JobLeases => ({
  order: digestOf(order.record),
  slots,
  resizes: resizes.length,
  leases: [...leases.values()].map(leaseView),
})

/** Handlers of what a tenant does with the leases of its jobs. */
export const leaseHandlers = (market: Market): Handlers<'listLeases' | 'extendLease' | 'resizeJob'> => {
  const { store, jobs } = market.modules

  const notFound = (job: JobId): MusterError =>
    new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job } })

  /** A job of this tenant; anyone else's is not found either. */
  const requireOwn = async (id: JobId, tenant: TenantId): Promise<JobRow> => {
    const row = await store.jobs.get(id)
    if (row?.tenant === tenant) return row
    throw notFound(id)
  }

  const fold = async (id: JobId): Promise<Job> => {
    const job = jobs.get(id)?.peek() ?? (await loadJob(store, id))?.job
    if (job === undefined) throw notFound(id)
    return job
  }

  const requireActor = ({ id, phase }: JobRow): JobActor => {
    const actor = jobs.get(id)
    if (actor !== undefined) return actor
    if (phase === 'active')
      throw new MusterError({
        code: 'unavailable',
        message: 'Another node of the market is taking this job up; try again in a moment.',
        facts: { job: id },
        retryAfterMs: 1_000,
      })
    throw new MusterError({
      code: 'conflict',
      message: 'The job is closed; nothing of it can be changed.',
      facts: { job: id },
      retry: 'never',
    })
  }

  return {
    listLeases: async ({ params: { job }, tenant }) => {
      await requireOwn(job, tenant.id)
      return jobLeases(await fold(job))
    },
    extendLease: async ({ params: { job, lease }, body: { until }, tenant }) => {
      await extendLease(requireActor(await requireOwn(job, tenant.id)), lease, until, market.amendModules)
      const state = (await fold(job)).leases.get(lease)
      if (state === undefined) throw leaseNotFound(lease)
      return leaseView(state)
    },
    resizeJob: async ({ params: { job }, body, tenant }) => {
      await resizeJob(requireActor(await requireOwn(job, tenant.id)), tenant, body, market.amendModules)
      return jobLeases(await fold(job))
    },
  }
}
