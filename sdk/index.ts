export { type BlobSource } from './blob/blob-source.ts'
export { type GetBlobOptions } from './blob/get-blob.ts'
export { cidOfSource } from './blob/hash-source.ts'
export { type PutBlobsOptions, type PutProgress } from './blob/put-blobs.ts'
export { type CallInput, type CallOptions } from './client/call-route.ts'
export { type MusterOptions } from './client/connection.ts'
export { type Muster } from './client/create-client.ts'
export { createMuster } from './client/create-muster.ts'
export { type RetryPolicy } from './client/retry-call.ts'
export { checkSpec, type JobSpecInput } from './job/check-spec.ts'
export { createTaskFinder, type FinishedTask } from './job/finished-tasks.ts'
export { type RunTasksOptions } from './job/run-tasks.ts'
export { type WaitOptions } from './job/wait-for-job.ts'
export { type WatchOptions } from './job/watch-job.ts'
export { type AskedMarket } from './market/rank-markets.ts'
export { type Markets, type MarketsOptions } from './market/create-markets.ts'
export { type JobsEverywhere, type JobSomewhere } from './market/list-everywhere.ts'
export { type RunSomewhereOptions, type TaskSomewhere } from './market/run-somewhere.ts'
export { type SubmitSomewhereOptions, type SubmittedJob } from './market/submit-somewhere.ts'
export { type CheckResult, type ReceiptCheck } from './receipt/receipt-check.ts'
export { verifyBill, type BillVerdict } from './receipt/verify-bill.ts'
export { type StandingTermsInput } from './standing-order/place-standing-order.ts'
export { type StatementPeriod } from './statement/fetch-statement.ts'
export { verifyReceipt, type ReceiptVerdict, type TrustedFacts } from './receipt/verify-receipt.ts'

export {
  checkInputs,
  checkProgram,
  decodeManifest,
  decodeTensor,
  dtypes,
  dtypeSize,
  encodeTensor,
  isDtype,
  publishProgram as prepareProgram,
  readTensorHeader,
  sayRefusal,
  tensorDigest,
  type Dtype,
  type EncodableTensor,
  type InputProblem,
  type ProgramManifest,
  type PublishedProgram,
  type Refusal,
  type Tensor,
  type TensorHeader,
  type ValueDeclaration,
} from '@muster/graph'
export {
  blobListDigest,
  chargeFor,
  checkLeaseAward,
  checkStatement,
  cidOf,
  createSigner,
  createVerifier,
  describeValue,
  explainIssues,
  failedRequirements,
  formatUsd,
  fromProblem,
  fromHex,
  isCid,
  isId,
  newId,
  joinPath,
  loadSecp256k1,
  MusterError,
  nobleSecp256k1,
  parseAttemptId,
  parseCid,
  parseId,
  parseUsd,
  priceAxis,
  priceUnitName,
  rankOffers,
  receiptBundleSchema,
  sayIssues,
  sayUsd,
  shownUsd,
  signedLeaseSchema,
  toHex,
  toJson,
  systemWorld,
  toProblem,
  transcriptBundleSchema,
  verifyTranscript,
  type AccountNotice,
  type Address,
  type AuctionId,
  type AuctionSummary,
  type AttemptId,
  type AuditReport,
  type Cid,
  type Demand,
  type Digest,
  type EntryId,
  type ErrorCode,
  type Fault,
  type Hex,
  type Issue,
  type JobId,
  type JobLeases,
  type JobSpec,
  type JobView,
  type LeaseDemand,
  type LeaseId,
  type LeaseKind,
  type LeaseView,
  type NamedBlob,
  type NanoUsd,
  type NearMiss,
  type Offer,
  type NumberedStandingEvent,
  type Price,
  type PriceHistory,
  type PriceHistoryQuery,
  type PriceIndex,
  type Problem,
  type ProviderRecordView,
  type Receipt,
  type ReceiptBundle,
  type ReceiptId,
  type RecordFigure,
  type Retry,
  type SignatureDomain,
  type SignedLease,
  type SignedOffer,
  type StandingOrderId,
  type StandingOrderView,
  type SignedReceipt,
  type Standing,
  type Statement,
  type StatementCheck,
  type Signer,
  type TaskView,
  type TimelineEvent,
  type TranscriptBundle,
  type TranscriptCheck,
  type Verifier,
} from '@muster/protocol'
