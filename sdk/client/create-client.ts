import { decodeTensor, encodeTensor, type EncodableTensor, type Tensor } from '@muster/graph'
import {
  routes,
  type Address,
  type AuctionId,
  type Cid,
  type EntryId,
  type JobId,
  type LeaseId,
  type RouteName,
  type RouteResponse,
  type Signer,
  type StandingOrderId,
} from '@muster/protocol'
import type { BlobSource } from '../blob/blob-source.ts'
import { getBlob, getBlobRange, streamBlob, type GetBlobOptions } from '../blob/get-blob.ts'
import { putBlob } from '../blob/put-blob.ts'
import { putBlobs, type PutBlobsOptions } from '../blob/put-blobs.ts'
import type { JobSpecInput } from '../job/check-spec.ts'
import { listReceipts, listTasks } from '../job/list-pages.ts'
import { resizeJob } from '../job/resize-job.ts'
import { runTasks, type RunTasksOptions } from '../job/run-tasks.ts'
import { submitJob } from '../job/submit-job.ts'
import { waitForJob, type WaitOptions } from '../job/wait-for-job.ts'
import { watchJob, type WatchOptions } from '../job/watch-job.ts'
import { fetchStatement, type StatementPeriod } from '../statement/fetch-statement.ts'
import { placeStandingOrder, type StandingTermsInput } from '../standing-order/place-standing-order.ts'
import { getProgram, publishProgram } from '../program/publish-program.ts'
import { callRoute, type CallInput, type CallOptions, type CallQuery } from './call-route.ts'
import type { Connection } from './connection.ts'

type Routes = typeof routes

/** A client of one market. Makes no call until it is asked to; see each function for what it resolves to and rejects with. */
export type Muster = ReturnType<typeof createClient>

/** A client over an open connection. */
export const createClient = (connection: Connection) => {
  const call = <Name extends RouteName>(
    name: Name,
    input: CallInput<Routes[Name]>,
    callOptions?: CallOptions,
  ): Promise<RouteResponse<Routes[Name]>> => callRoute<Routes[Name]>(connection, routes[name], input, callOptions)

  return {
    url: connection.url,
    /** Any route of the API by its operation id; the verbs below are over this. */
    call,
    market: (given?: CallOptions) => call('market', {}, given),
    account: (given?: CallOptions) => call('account', {}, given),
    runway: (given?: CallOptions) => call('runway', {}, given),
    accountEvents: async (query: CallQuery<Routes['accountEvents']> = {}, given?: CallOptions) =>
      (await call('accountEvents', { query }, given)).events,

    submitJob: (spec: JobSpecInput, given?: CallOptions) => submitJob(connection, spec, given),
    runTasks: (spec: JobSpecInput, given?: RunTasksOptions) => runTasks(connection, spec, given),
    watchJob: (job: JobId, given?: WatchOptions) => watchJob(connection, job, given),
    waitForJob: (job: JobId, given?: WaitOptions) => waitForJob(connection, job, given),
    getJob: (job: JobId, given?: CallOptions) => call('getJob', { params: { job } }, given),
    listJobs: async (query: CallQuery<Routes['listJobs']> = {}, given?: CallOptions) =>
      (await call('listJobs', { query }, given)).jobs,
    listTasks: (job: JobId, given?: CallOptions) => listTasks(connection, job, given),
    listReceipts: (job: JobId, given?: CallOptions) => listReceipts(connection, job, given),
    /** The transcript of a sealed auction: `verifyTranscript` says whether the award followed the rule. */
    getAuction: (auction: AuctionId, given?: CallOptions) => call('auction', { params: { auction } }, given),
    listAuctions: async (job: JobId, query: CallQuery<Routes['jobAuctions']> = {}, given?: CallOptions) =>
      (await call('jobAuctions', { params: { job }, query }, given)).auctions,
    /** The leases of a job, and how many slots it wants. */
    listLeases: (job: JobId, given?: CallOptions) => call('listLeases', { params: { job } }, given),
    /** Has a lease last until a later time (wall-clock ms), at its price, if its provider agrees. */
    extendLease: (job: JobId, lease: LeaseId, until: number, given?: CallOptions) =>
      call('extendLease', { params: { job, lease }, body: { until } }, { isIdempotent: true, ...given }),
    /** How many slots a job wants at once from now on. */
    resizeJob: (job: JobId, slots: number, given?: CallOptions) => resizeJob(connection, job, slots, given),
    cancelJob: (job: JobId, given?: CallOptions) =>
      call('cancelJob', { params: { job } }, { isIdempotent: true, ...given }),
    attemptLogs: async (attempt: string, given?: CallOptions) =>
      (await call('attemptLogs', { params: { attempt } }, given)).lines,

    listOffers: async (query: CallQuery<Routes['listOffers']> = {}, given?: CallOptions) =>
      (await call('listOffers', { query }, given)).offers,
    listProviders: async (query: CallQuery<Routes['listProviders']> = {}, given?: CallOptions) =>
      (await call('listProviders', { query }, given)).providers,
    /** The public record of a provider and what it was computed from. */
    providerRecord: (provider: Address, given?: CallOptions) => call('providerRecord', { params: { provider } }, given),
    /** What was paid over the last seven days, for each kind of slot and region. */
    priceIndex: (given?: CallOptions) => call('priceIndex', {}, given),
    priceHistory: (query: CallQuery<Routes['priceHistory']>, given?: CallOptions) =>
      call('priceHistory', { query }, given),

    placeStandingOrder: (spec: JobSpecInput, terms: StandingTermsInput, given?: CallOptions) =>
      placeStandingOrder(connection, spec, terms, given),
    getStandingOrder: (order: StandingOrderId, given?: CallOptions) =>
      call('getStandingOrder', { params: { order } }, given),
    listStandingOrders: async (query: CallQuery<Routes['listStandingOrders']> = {}, given?: CallOptions) =>
      (await call('listStandingOrders', { query }, given)).orders,
    standingOrderEvents: async (
      order: StandingOrderId,
      query: CallQuery<Routes['standingOrderEvents']> = {},
      given?: CallOptions,
    ) => (await call('standingOrderEvents', { params: { order }, query }, given)).events,
    cancelStandingOrder: (order: StandingOrderId, given?: CallOptions) =>
      call('cancelStandingOrder', { params: { order } }, { isIdempotent: true, ...given }),

    match: (demand: CallInput<Routes['match']>['body'], given?: CallOptions) =>
      call('match', { body: demand }, { isIdempotent: true, ...given }),

    putBlob: async (source: BlobSource, given?: CallOptions & { readonly maxBytes?: number }) =>
      putBlob(connection, source, given),
    putBlobs: (sources: readonly BlobSource[], given?: PutBlobsOptions) => putBlobs(connection, sources, given),
    getBlob: (cid: Cid, given?: GetBlobOptions) => getBlob(connection, cid, given),
    streamBlob: (cid: Cid, given?: GetBlobOptions) => streamBlob(connection, cid, given),
    getBlobRange: (cid: Cid, range: { readonly from: number; readonly to: number }, given?: CallOptions) =>
      getBlobRange(connection, cid, range, given),

    /** Tensors as blobs, in the order given. */
    putTensors: (tensors: readonly EncodableTensor[], given?: PutBlobsOptions) =>
      putBlobs(connection, tensors.map(encodeTensor), given),
    getTensor: async (cid: Cid, given?: GetBlobOptions): Promise<Tensor> =>
      decodeTensor(await getBlob(connection, cid, given)),
    publishProgram: (modelBytes: Uint8Array, given?: PutBlobsOptions) => publishProgram(connection, modelBytes, given),
    getProgram: (program: Cid, given?: CallOptions) => getProgram(connection, program, given),

    /** What the provider whose key this is earned. */
    statement: (signer: Signer, period: StatementPeriod, given?: CallOptions) =>
      fetchStatement(connection, signer, period, given),
    /** For the operator: everything of the ledger, worked out afresh. */
    auditLedger: (given?: CallOptions) => call('auditLedger', {}, given),
    /** For the operator: money back to a tenant. With a key of your making it is safe to call again. */
    refund: (refund: CallInput<Routes['refund']>['body'], key?: EntryId, given?: CallOptions) =>
      call(
        'refund',
        { body: refund },
        {
          ...(key === undefined ? {} : { isIdempotent: true, headers: { 'idempotency-key': key } }),
          ...given,
        },
      ),

    createKey: (name: string, given?: CallOptions) => call('createKey', { body: { name } }, given),
    revokeKey: (key: string, given?: CallOptions) => call('revokeKey', { params: { key } }, given),
  }
}
