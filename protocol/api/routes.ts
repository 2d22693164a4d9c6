import { findBlobsRoute, getBlobRoute, putBlobRoute } from './blob-routes.ts'
import {
  attemptLogsRoute,
  cancelJobRoute,
  getJobRoute,
  listJobsRoute,
  listReceiptsRoute,
  listTasksRoute,
  submitJobRoute,
  watchJobRoute,
} from './job-routes.ts'
import {
  accountRoute,
  challengeRoute,
  createKeyRoute,
  createTenantRoute,
  depositRoute,
  listOffersRoute,
  marketRoute,
  matchRoute,
  providerRoute,
  revokeKeyRoute,
} from './market-routes.ts'

/** Every route of a market, by operation id. */
export const routes = {
  market: marketRoute,
  account: accountRoute,
  createKey: createKeyRoute,
  revokeKey: revokeKeyRoute,
  findBlobs: findBlobsRoute,
  putBlob: putBlobRoute,
  getBlob: getBlobRoute,
  submitJob: submitJobRoute,
  listJobs: listJobsRoute,
  getJob: getJobRoute,
  listTasks: listTasksRoute,
  watchJob: watchJobRoute,
  cancelJob: cancelJobRoute,
  listReceipts: listReceiptsRoute,
  attemptLogs: attemptLogsRoute,
  listOffers: listOffersRoute,
  match: matchRoute,
  provider: providerRoute,
  createTenant: createTenantRoute,
  deposit: depositRoute,
  challenge: challengeRoute,
} as const

export type RouteName = keyof typeof routes
