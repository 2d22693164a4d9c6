import { MusterError, type Cid, type JobId, type listJobsRoute } from '@muster/protocol'
import type { GetBlobOptions } from '../blob/get-blob.ts'
import type { CallOptions, CallQuery } from '../client/call-route.ts'
import { openConnection, type Connection, type MusterOptions } from '../client/connection.ts'
import { createClient, type Muster } from '../client/create-client.ts'
import type { JobSpecInput } from '../job/check-spec.ts'
import type { WaitOptions } from '../job/wait-for-job.ts'
import type { WatchOptions } from '../job/watch-job.ts'
import { findJob } from './find-job.ts'
import { listEverywhere } from './list-everywhere.ts'
import { runSomewhere, type RunSomewhereOptions } from './run-somewhere.ts'
import { compareMarkets, submitSomewhere, type SubmitSomewhereOptions } from './submit-somewhere.ts'

/** Several markets of one tenant, each with a key of its own. */
export interface MarketsOptions {
  /** Each with its URL and key; the first of equals is preferred. */
  readonly markets: readonly MusterOptions[]
  /** How long a market is asked what a job would cost there. Default 3,000. */
  readonly askTimeoutMs?: number
  /** How long a market that may have taken a job is asked for its answer. Default 60,000. */
  readonly patienceMs?: number
}

/** A client of several markets. A job belongs to the market that took it, and only that one knows it. */
export type Markets = ReturnType<typeof createMarkets>

const requireSome = (options: MarketsOptions): Connection[] => {
  const connections = options.markets.map(openConnection)
  const urls = new Set(connections.map(({ url }) => url))
  if (connections.length > 0 && urls.size === connections.length) return connections
  throw new MusterError({
    code: 'request_invalid',
    message: 'Name at least one market, and each only once.',
    facts: { markets: connections.map(({ url }) => url) },
  })
}

/** Throws `request_invalid` where a URL is none, or a market is named twice. */
export const createMarkets = (options: MarketsOptions) => {
  const connections = requireSome(options)
  const clients = connections.map(createClient)
  const limits = { askTimeoutMs: options.askTimeoutMs ?? 3_000, patienceMs: options.patienceMs ?? 60_000 }
  const homes = new Map<JobId, string>()

  const at = (market: string): Muster => {
    const client = clients.find(({ url }) => url === market.replace(/\/+$/, ''))
    if (client !== undefined) return client
    throw new MusterError({
      code: 'request_invalid',
      message: 'This is none of the markets of this client.',
      facts: { expected: connections.map(({ url }) => url), found: market },
    })
  }

  const marketOf = async (job: JobId, given?: CallOptions): Promise<Muster> => {
    const home = homes.get(job) ?? (await findJob(connections, job, given)).url
    homes.set(job, home)
    return at(home)
  }

  return {
    /** A client of each market, in the order given. */
    markets: clients as readonly Muster[],
    /** The client of one market, by URL. */
    at,
    /** The client of the market that has a job; the others are asked once. */
    marketOf,
    /** What a job would get at each market, in the order in which it would be submitted to them. */
    compare: (spec: JobSpecInput, given: SubmitSomewhereOptions = {}) =>
      compareMarkets(connections, spec, given, limits),
    submitJob: async (spec: JobSpecInput, given: SubmitSomewhereOptions = {}) => {
      const submitted = await submitSomewhere(connections, spec, given, limits)
      homes.set(submitted.job.id, submitted.market)
      return submitted
    },
    runTasks: (spec: JobSpecInput, given: RunSomewhereOptions = {}) => runSomewhere(connections, spec, given, limits),
    listJobs: (query: CallQuery<typeof listJobsRoute> = {}, given?: CallOptions) =>
      listEverywhere(connections, query, given),
    getJob: async (job: JobId, given?: CallOptions) => (await marketOf(job, given)).getJob(job, given),
    watchJob: async function* (job: JobId, given?: WatchOptions) {
      yield* (await marketOf(job, { signal: given?.signal })).watchJob(job, given)
    },
    waitForJob: async (job: JobId, given?: WaitOptions) =>
      (await marketOf(job, { signal: given?.signal })).waitForJob(job, given),
    listTasks: async function* (job: JobId, given?: CallOptions) {
      yield* (await marketOf(job, given)).listTasks(job, given)
    },
    listReceipts: async function* (job: JobId, given?: CallOptions) {
      yield* (await marketOf(job, given)).listReceipts(job, given)
    },
    cancelJob: async (job: JobId, given?: CallOptions) => (await marketOf(job, given)).cancelJob(job, given),
    /** A blob of a job, from the market that has the job. */
    getBlob: async (job: JobId, cid: Cid, given?: GetBlobOptions) => (await marketOf(job, given)).getBlob(cid, given),
  }
}
