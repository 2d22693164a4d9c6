export {
  adminActionSchema,
  adminKeySchema,
  adminLogRoute,
  allowRoute,
  backupRoute,
  eraseTenantRoute,
  createAdminKeyRoute,
  denialSchema,
  denialTargetSchema,
  denyRoute,
  drainRoute,
  listAdminKeysRoute,
  listDenialsRoute,
  listTenantsRoute,
  marketStatusRoute,
  marketStatusSchema,
  revokeAdminKeyRoute,
  tenantJobsRoute,
  undrainRoute,
  type AdminLogEntry,
  type MarketStatus,
} from './api/admin-routes.ts'
export { adminRoles, mayCall, ownersRule, type AdminRole, type AdminRule } from './api/admin-rule.ts'
export { denialKinds, denialNoticeSchema, type DenialKind, type DenialNotice } from './api/denial.ts'
export {
  auctionRoute,
  auctionSummarySchema,
  jobAuctionsRoute,
  transcriptBundleSchema,
  type AuctionSummary,
  type TranscriptBundle,
} from './api/auction-routes.ts'
export {
  extendLeaseRoute,
  jobLeasesSchema,
  leaseViewSchema,
  listLeasesRoute,
  resizeJobRoute,
  type JobLeases,
  type LeaseView,
} from './api/lease-routes.ts'
export { findBlobsRoute, getBlobRoute, putBlobRoute } from './api/blob-routes.ts'
export {
  attemptLogsRoute,
  cancelJobRoute,
  getJobRoute,
  jobViewSchema,
  listJobsRoute,
  listReceiptsRoute,
  listTasksRoute,
  receiptBundleSchema,
  submitJobRoute,
  taskViewSchema,
  watchJobRoute,
  type JobView,
  type ReceiptBundle,
  type TaskView,
} from './api/job-routes.ts'
export { toJson } from './api/json.ts'
export {
  accountRoute,
  challengeRoute,
  createKeyRoute,
  createTenantRoute,
  depositRoute,
  listOffersRoute,
  marketRoute,
  matchRoute,
  nearMissSchema,
  providerRoute,
  revokeKeyRoute,
  type NearMiss,
} from './api/market-routes.ts'
export {
  auditPricesRoute,
  maxPriceSpans,
  priceHistoryRoute,
  priceIndexRoute,
  type PriceHistory,
  type PriceHistoryQuery,
  type PriceIndex,
} from './api/price-routes.ts'
export {
  listProvidersRoute,
  providerRecordRoute,
  providerSummarySchema,
  type ProviderRecordView,
  type ProviderSummary,
} from './api/provider-routes.ts'
export {
  defineRoute,
  fillPath,
  type Route,
  type RouteAuth,
  type RouteBody,
  type RouteParams,
  type RouteQuery,
  type RouteResponse,
} from './api/route.ts'
export { routes, type RouteName } from './api/routes.ts'
export {
  cancelStandingOrderRoute,
  getStandingOrderRoute,
  listStandingOrdersRoute,
  placeStandingOrderRoute,
  standingOrderEventsRoute,
  type NumberedStandingEvent,
  type StandingOrderView,
} from './api/standing-order-routes.ts'
export {
  isLive,
  startAttempt,
  stepAttempt,
  type AttemptPhase,
  type AttemptState,
  type AttemptStep,
} from './attempt/attempt.ts'
export { startsOf, type Start } from './attempt/start.ts'
export {
  auctionPricings,
  auctionTermsSchema,
  leastWindowMs,
  mostWindowMs,
  type AuctionPricing,
  type AuctionTerms,
} from './auction/auction-terms.ts'
export { awardSealed, tieOf, type SealedAuction } from './auction/award-sealed.ts'
export {
  closingLeaf,
  closingSchema,
  closingTree,
  inClosingOrder,
  signedClosingSchema,
  type Closing,
  type SignedClosing,
} from './auction/closing.ts'
export {
  acknowledgementSchema,
  commitmentSchema,
  sealOf,
  signedAcknowledgementSchema,
  signedCommitmentSchema,
  type Acknowledgement,
  type Commitment,
  type SignedAcknowledgement,
  type SignedCommitment,
} from './auction/commitment.ts'
export { readScores, scoresSchema, writeScores, type Scores } from './auction/scores.ts'
export {
  bidRefusals,
  commitmentOf,
  mostBidders,
  revealSchema,
  signedTranscriptSchema,
  transcriptSchema,
  type BidRefusal,
  type Reveal,
  type SealedAward,
  type SealedBid,
  type SignedTranscript,
  type Transcript,
} from './auction/transcript.ts'
export { checkLeaseAward } from './auction/check-lease-award.ts'
export { verifyTranscript, type TranscriptCheck } from './auction/verify-transcript.ts'
export {
  checkpointEveryMs,
  effectivePrice,
  leastEffective,
  type EffectivePrice,
  type UnitOfWork,
} from './auction/effective-price.ts'
export { askedRequirements } from './auction/asked-requirements.ts'
export {
  explainNoFit,
  findNearMisses,
  isBusy,
  keepNearest,
  mergeNearMisses,
  missOf,
  nearestTold,
  tellNoFit,
  type NearMisses,
  type OutOfRace,
  type PricedMiss,
} from './auction/explain-no-fit.ts'
export {
  failedMeasures,
  failedRequirements,
  rankOffers,
  type Demand,
  type FailedRequirement,
  type MeasuredBy,
} from './auction/match-offers.ts'
export { rankEffective, type ScoredOffer } from './auction/rank-effective.ts'
export {
  benchmarkChallengeSchema,
  benchmarkWorkSchema,
  chainWorkSchema,
  signedBenchmarkChallengeSchema,
  type BenchmarkChallenge,
  type BenchmarkPart,
  type BenchmarkWork,
  type ChainWork,
  type SignedBenchmarkChallenge,
} from './benchmark/benchmark-challenge.ts'
export {
  benchmarkEntrySchema,
  benchmarkFiguresSchema,
  type BenchmarkEntry,
  type BenchmarkFigures,
  type BenchmarkOutcome,
} from './benchmark/benchmark-entry.ts'
export {
  benchmarkFindingsSchema,
  benchmarkResultSchema,
  machineFindingsSchema,
  signedBenchmarkResultSchema,
  type BenchmarkFindings,
  type BenchmarkResult,
  type GpuFigures,
  type MachineFindings,
  type SignedBenchmarkResult,
} from './benchmark/benchmark-result.ts'
export { checkChain } from './benchmark/check-chain.ts'
export { machineStanding, machineStandingSchema, type MachineStanding } from './benchmark/machine-standing.ts'
export { chainFloats, chainOf, chainPrime, type ChainMatrix, type MatrixChain } from './benchmark/matrix-chain.ts'
export { networkProof } from './benchmark/network-proof.ts'
export { seededWords } from './benchmark/seeded-words.ts'
export {
  freeCapacity,
  newCapacity,
  requireFree,
  slotsThatFit,
  stepCapacity,
  type Capacity,
  type CapacityEvent,
  type CapacityTotal,
  type Holding,
} from './capacity/capacity.ts'
export { decodeCanonical, encodeCanonical } from './cbor/canonical.ts'
export {
  blobNameSchema,
  claimSchema,
  meterSchema,
  namedBlobSchema,
  signedClaimSchema,
  type Claim,
  type DeclaredOutput,
  type Meter,
  type NamedBlob,
  type SignedClaim,
} from './claim/claim.ts'
export { cidOf, cidOfSha256, cidSchema, isCid, parseCid, sha256OfCid, type Cid } from './digest/cid.ts'
export { digestBytes, digestOf, digestSchema, recordBytes, recordDigest, type Digest } from './digest/digest.ts'
export { fromHex, hexSchema, toHex, writeHex, type Hex } from './digest/hex.ts'
export { errorCodes, isErrorCode, type ErrorCode, type Fault, type Retry } from './error/error-codes.ts'
export { MusterError, type Facts, type MusterErrorInput } from './error/muster-error.ts'
export { fromProblem, problemSchema, toProblem, type Problem } from './error/problem.ts'
export { refuseTransition } from './error/refuse-transition.ts'
export {
  derivedId,
  idPrefixes,
  idSchema,
  isId,
  lowestId,
  newId,
  newIds,
  parseId,
  type EntryId,
  type Id,
  type IdNoun,
  type JobId,
  type KeyId,
  type StandingOrderId,
  type ActionId,
  type AuctionId,
  type LeaseId,
  type OfferId,
  type OrderId,
  type ReceiptId,
  type ReservationId,
  type TenantId,
} from './id/id.ts'
export {
  attemptId,
  attemptIdSchema,
  parseAttemptId,
  taskId,
  type AttemptId,
  type AttemptName,
  type TaskId,
} from './id/task-id.ts'
export { describeValue, explainIssues, joinPath, sayIssues, type Issue } from './issue/explain-issues.ts'
export { canonicalEvent } from './job/canonical-event.ts'
export { closingEvents } from './job/closing-events.ts'
export { type AttemptRef, type JobEvent, type JobEventType, type JobOutcome } from './job/job-event.ts'
export { commitName, commitSpec, type CommittedSpec } from './job/commit-spec.ts'
export { jobSpecSchema, limitsSchema, maxTasks, taskSpecSchema, type JobSpec, type TaskSpec } from './job/job-spec.ts'
export { replayJob, stepJob, type Job } from './job/job.ts'
export { expiredTasks } from './job/expired-tasks.ts'
export { exhaustedTasks } from './job/judge-task.ts'
export { nextDispatch, type DepthOf } from './job/next-dispatch.ts'
export { restoreEvent } from './job/restore-event.ts'
export { slotsKept, slotsWanted } from './job/slots-wanted.ts'
export { restoreJob, snapshotJob, type JobSnapshot } from './job/snapshot-job.ts'
export {
  describeEvent,
  taskCountsSchema,
  timelineEventSchema,
  timelineTaskSchema,
  type TimelineEvent,
} from './job/timeline.ts'
export {
  agreedAmendmentSchema,
  amendmentSchema,
  mostAmendments,
  type AgreedAmendment,
  type Amendment,
} from './lease/amendment.ts'
export { failedTerms, type TermDemand } from './lease/failed-terms.ts'
export {
  kindAsked,
  kindOfLease,
  leaseDemandSchema,
  leaseKinds,
  leaseKindSchema,
  maxNoticeMs,
  maxTermMs,
  noticeSchema,
  termBetween,
  termSchema,
  type LeaseDemand,
  type LeaseKind,
  type LeaseTerm,
  type OfferTerm,
} from './lease/lease-term.ts'
export { maintenanceSchema, mostMaintenance, runsInto, type Maintenance } from './lease/maintenance.ts'
export {
  closeReasons,
  openLease,
  roundsLeft,
  stepLease,
  takesWork,
  whyUnamendable,
  type CloseReason,
  type LeasePhase,
  type LeaseState,
  type LeaseStep,
  type Notice,
} from './lease/lease-state.ts'
export { leaseSchema, signedLeaseSchema, type Lease, type SignedLease } from './lease/lease.ts'
export {
  bondAccount,
  earningsAccount,
  escrowAccount,
  feesAccount,
  mayBeNegative,
  outsideAccount,
  stakeAccount,
  tenantAccount,
  type AccountName,
} from './ledger/account.ts'
export {
  auditCheckSchema,
  auditFaultSchema,
  auditReportSchema,
  type AuditCheck,
  type AuditFault,
  type AuditReport,
} from './ledger/audit.ts'
export { burnOf, type JobBurn } from './ledger/burn.ts'
export {
  entryKinds,
  entryNoteSchema,
  transfer,
  type EntryKind,
  type EntryNote,
  type LedgerEntry,
  type Leg,
  type TransferInput,
} from './ledger/entry.ts'
export { feeOf, maxFeeBasisPoints, shareFee } from './ledger/fee.ts'
export { netOf, overdrawn, postEntries, type Balances } from './ledger/post-entries.ts'
export {
  accountNoticeSchema,
  isNews,
  judgeStanding,
  runwayMs,
  standings,
  type AccountNotice,
  type Funds,
  type Judgement,
  type Standing,
  type StandingRules,
} from './ledger/standing.ts'
export {
  checkStatement,
  signedStatementRequestSchema,
  statementEntrySchema,
  statementLineSchema,
  statementRequestSchema,
  statementSchema,
  type SignedStatementRequest,
  type Statement,
  type StatementCheck,
  type StatementEntry,
  type StatementLine,
  type StatementRequest,
  type StatementTotals,
} from './ledger/statement.ts'
export { checkBlob, type Sha256 } from './link/check-blob.ts'
export { encodeMessage } from './link/encode-message.ts'
export { closeReasonOf, linkClosed } from './link/link-closed.ts'
export {
  linkHelloSchema,
  maxClockSkewMs,
  maxEpoch,
  signedLinkHelloSchema,
  type LinkHello,
  type SignedLinkHello,
} from './link/link-hello.ts'
export { defaultLinkLimits, type LinkLimits } from './link/link-limits.ts'
export {
  agentMessageSchema,
  inlineBlobBytes,
  linkCalls,
  marketMessageSchema,
  maxCountedReservations,
  startBatchSchema,
  type AgentMessage,
  type ClaimBatch,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type Publication,
  type StartBatch,
  type Starts,
} from './link/link-message.ts'
export {
  blobCidOf,
  blobPath,
  callNameOf,
  callPath,
  helloHeader,
  linkPath,
  linkProtocol,
  messagesPath,
  tlsExporterLabel,
} from './link/link-route.ts'
export {
  linkCloseReasons,
  type AgentHandlers,
  type AgentPeer,
  type CallOptions,
  type DialMarket,
  type LinkCloseReason,
  type MarketPeer,
  type PeerHandlers,
} from './link/link.ts'
export { createMessageReceiver, type MessageReceiver } from './link/message-receiver.ts'
export { createMessageSender, type MessageSender } from './link/message-sender.ts'
export { decodeProblem, encodeProblem, problemType } from './link/problem-body.ts'
export { watchProgress, type ProgressWatch } from './link/watch-progress.ts'
export { formatUsd, nanoUsdSchema, nonNegativeNanoUsdSchema, parseUsd, type NanoUsd } from './money/money.ts'
export { chargeFor, priceSchema, priceUnits, type Price, type PriceUnit, type Usage } from './money/price.ts'
export {
  attestationSchema,
  attests,
  signedAttestationSchema,
  type Attestation,
  type SignedAttestation,
} from './offer/attestation.ts'
export { offerSchema, signedOfferSchema, type Offer, type SignedOffer } from './offer/offer.ts'
export { flagOf, sayOptions, variableOf } from './option/say-options.ts'
export { sayWrongCall } from './option/say-wrong-call.ts'
export { mostResizes, resizeSchema, signedResizeSchema, type Resize, type SignedResize } from './order/resize.ts'
export {
  awardSchema,
  orderSchema,
  placementSchema,
  signedOrderSchema,
  type Order,
  type Placement,
  type SignedOrder,
} from './order/order.ts'
export { indexRules } from './price-index/index-rules.ts'
export { priceAxis, priceUnitName, sayUsd, shownUsd, type PriceAxis } from './price-index/say-price.ts'
export { priceFigure, type PriceFigure, type Withheld } from './price-index/price-figure.ts'
export {
  createTradeTally,
  hourMs,
  hourOf,
  partsPerUnit,
  quantityOf,
  seriesKey,
  seriesSchema,
  tradeSchema,
  unitPriceOf,
  type PaidReceipt,
  type Series,
  type Trade,
  type TradeTally,
} from './price-index/trade.ts'
export { receiptSchema, signedReceiptSchema, type Receipt, type SignedReceipt } from './receipt/receipt.ts'
export {
  estimate,
  expectRefusal,
  expectReliability,
  type Estimate,
  type FactorEstimate,
  type RecordEstimate,
  type Reliability,
} from './record/estimate.ts'
export { describeRecord, recordFigureSchema, type RecordFigure } from './record/describe-record.ts'
export { createJobMeter, type JobMeter, type LeaseObservation } from './record/job-meter.ts'
export { observationSchema, type Observation } from './record/observation.ts'
export { decayRecord, emptyRecord, observe, type FactorSums, type ProviderRecord } from './record/provider-record.ts'
export { credibility, recordModel } from './record/record-model.ts'
export { gpuMismatch, type GpuMismatch } from './reservation/gpu-mismatch.ts'
export {
  reservationSchema,
  signedReservationSchema,
  type Reservation,
  type SignedReservation,
} from './reservation/reservation.ts'
export { gpuModelOf } from './resource/gpu-model.ts'
export {
  failedGpuFields,
  gpuDemandSchema,
  resourceDemandSchema,
  type GpuDemand,
  type ResourceDemand,
} from './resource/resource-demand.ts'
export {
  attributesSchema,
  coversResources,
  gpuInterfaces,
  gpuSchema,
  gflopsSchema,
  gpuVendors,
  nameSchema,
  networkSchema,
  resourcesSchema,
  runtimeKinds,
  runtimeKindSchema,
  timeSchema,
  type Gpu,
  type GpuInterface,
  type Network,
  type Resources,
  type RuntimeKind,
} from './resource/resources.ts'
export { slotKindOf, slotKindSchema, soldSlotOf, soldSlotSchema, type SoldSlot } from './resource/slot-kind.ts'
export { addressOf, addressSchema, type Address } from './signature/address.ts'
export { loadSecp256k1 } from './signature/load-secp256k1.ts'
export { merkleLeaf, merkleNode, merkleRoot, merkleTree, type MerkleTree } from './signature/merkle.ts'
export { isWellFormedSignature, nobleSecp256k1, type Secp256k1 } from './signature/secp256k1.ts'
export {
  maxPathLength,
  signatureSchema,
  signedSchema,
  type BatchSignature,
  type Signature,
  type Signed,
  type SignedRecord,
} from './signature/signed.ts'
export { pickFromGroup, signedGroupSchema, signGroup, spreadGroup, type SignedGroup } from './signature/signed-group.ts'
export {
  batchTree,
  createSigner,
  signBatch,
  signRecord,
  signTogether,
  spreadSignature,
  type Signer,
} from './signature/signer.ts'
export { batchSigningHash, recordSigningHash, type SignatureDomain } from './signature/typed-data.ts'
export { createVerifier, type Verifier } from './signature/verifier.ts'
export {
  isStanding,
  orderOfRun,
  planStandingOrder,
  standingBackOffMs,
  type StandingPlan,
} from './standing-order/plan-standing-order.ts'
export {
  maxRuns,
  maxSignedOrders,
  maxStandingMs,
  standingEnds,
  standingEventSchema,
  standingOrderSchema,
  standingStateSchema,
  standingTermsSchema,
  type StandingEnd,
  type StandingEvent,
  type StandingOrder,
  type StandingState,
  type StandingTerms,
} from './standing-order/standing-order.ts'
export { stepStandingOrder } from './standing-order/step-standing-order.ts'
export {
  countAttempts,
  liveAttempt,
  newTask,
  stepTask,
  taskPhase,
  type TaskPhase,
  type TaskState,
  type TaskStep,
} from './task/task.ts'
export { amountSchema, coresSchema, durationSchema, sizeSchema, writtenPriceSchema } from './unit/written-units.ts'
export { randomBlob } from './world/random-blob.ts'
export { sleep } from './world/sleep.ts'
export { systemWorld } from './world/system-world.ts'
export { type Timer, type World } from './world/world.ts'
export { createLog, silentLog, type Log, type LogFields, type LogLevel } from './log/log.ts'
export { blobListDigest, checkClaim } from './claim/check-claim.ts'
export {
  accountEventsRoute,
  auditLedgerRoute,
  refundRoute,
  runwayRoute,
  statementChallengeRoute,
  statementRoute,
} from './api/money-routes.ts'
export { marketUrlSchema, nodeUrls } from './api/node-urls.ts'
export { openApiDocument } from './api/openapi.ts'
