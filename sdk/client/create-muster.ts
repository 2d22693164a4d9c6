import { decodeTensor, encodeTensor, type EncodableTensor, type Tensor } from '@muster/graph'
import {
  routes,
  type Address,
  type Cid,
  type EntryId,
  type JobId,
  type RouteName,
  type RouteResponse,
  type Signer,
} from '@muster/protocol'
import type { BlobSource } from '../blob/blob-source.ts'
import { getBlob, getBlobRange, streamBlob, type GetBlobOptions } from '../blob/get-blob.ts'
import { putBlob } from '../blob/put-blob.ts'
import { putBlobs, type PutBlobsOptions } from '../blob/put-blobs.ts'
import type { JobSpecInput } from '../job/check-spec.ts'
import { listReceipts, listTasks } from '../job/list-pages.ts'
import { runTasks, type RunTasksOptions } from '../job/run-tasks.ts'
import { submitJob } from '../job/submit-job.ts'
import { waitForJob, type WaitOptions } from '../job/wait-for-job.ts'
import { watchJob, type WatchOptions } from '../job/watch-job.ts'
import { fetchStatement, type StatementPeriod } from '../statement/fetch-statement.ts'
import { getProgram, publishProgram } from '../program/publish-program.ts'
import { callRoute, type CallInput, type CallOptions, type CallQuery } from './call-route.ts'
import { openConnection, type MusterOptions } from './connection.ts'

type Routes = typeof routes

/** A client of one market. Makes no call until it is asked to; see each function for what it resolves to and rejects with. */
export type Muster = ReturnType<typeof createMuster>

/** Throws `request_invalid` where the URL is none. */
export const createMuster = (options: MusterOptions) => {
  const connection = openConnection(options)
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
