import type {
  AccountName,
  AccountNotice,
  Address,
  AttemptId,
  BenchmarkEntry,
  Cid,
  Claim,
  Digest,
  Job,
  JobEvent,
  JobId,
  JobOutcome,
  KeyId,
  LedgerEntry,
  NanoUsd,
  EntryId,
  Observation,
  Receipt,
  ReceiptId,
  SignedClaim,
  SignedGroup,
  SignedReceipt,
  SignedTranscript,
  TaskPhase,
  TenantId,
} from '@muster/protocol'
import type { Admin } from './admin-store.ts'
import type { Prices } from './price-store.ts'
import type { StandingOrders } from './standing-order-store.ts'
import type { Auctions } from './auction-store.ts'
import type { NodeId, Nodes } from './node-store.ts'
import type { PersonalData, PersonalText } from './personal-store.ts'

/** Events for one stream. `expectedVersion` is the number of events the writer believes the stream holds. */
export interface Append {
  readonly stream: JobId
  readonly expectedVersion: number
  readonly events: readonly JobEvent[]
  /** Wall-clock ms of the writer. */
  readonly at: number
}

export type JobPhase = 'active' | JobOutcome

/** What lists show of a job: a projection of its stream, written in the same commit. */
export interface JobRow {
  readonly id: JobId
  readonly tenant: TenantId
  readonly phase: JobPhase
  readonly counts: Readonly<Record<TaskPhase, number>>
  readonly ceiling: NanoUsd
  readonly charged: NanoUsd
  readonly submittedAt: number
  readonly updatedAt: number
  readonly closedAt: number | null
  /** In a commit: the node that writes it, which must own the job, and does from its first commit on. Left out, nobody is asked. */
  readonly owner?: NodeId
}

/** Receipts written together: of one job and one provider, paid by one ledger entry, with ids that follow each other in order. */
export interface ReceiptBatch {
  /** The ledger entry that pays them; `null` where nothing was moved for them. */
  readonly entry: EntryId | null
  /** What of their sum the market keeps: below zero where they reverse others. */
  readonly fee: NanoUsd
  readonly receipts: SignedGroup<Receipt>
  /** The claims they rest on, in the order of the receipts. */
  readonly claims: SignedGroup<Claim>
}

/** A receipt and the claim it rests on, each with what it needs to be checked alone. */
export interface StoredReceipt {
  /** The ledger entry that pays it, together with the rest of its batch; `null` where nothing was moved for it. */
  readonly entry: EntryId | null
  /** Its share of the fee of its batch: see `shareFee`. */
  readonly fee: NanoUsd
  readonly receipt: SignedReceipt
  readonly claim: SignedClaim
}

/** An order that was taken: its digest is never taken again. */
export interface UsedOrder {
  readonly digest: Digest
  readonly tenant: TenantId
  readonly job: JobId
  /** After this the order is refused as expired, and the row may go. */
  readonly expiresAt: number
}

export interface BlobRow {
  readonly cid: Cid
  readonly bytes: number
  readonly createdAt: number
}

/** Keeps a blob while the job is kept: an input, an output, or part of the program. */
export interface BlobRef {
  readonly cid: Cid
  readonly job: JobId
}

/** What becomes true together or not at all. */
export interface Commit {
  readonly appends?: readonly Append[]
  readonly jobs?: readonly JobRow[]
  readonly receipts?: readonly ReceiptBatch[]
  /** One that is there already changes nothing. */
  readonly transcripts?: readonly SignedTranscript[]
  readonly entries?: readonly LedgerEntry[]
  readonly orders?: readonly UsedOrder[]
  /** Rows of blobs that are new with this commit, such as outputs that came inside a message. */
  readonly blobs?: readonly BlobRow[]
  readonly blobRefs?: readonly BlobRef[]
  /** Names that are new with this commit; of one subject, the first is kept. */
  readonly texts?: readonly PersonalText[]
}

/** An event and its place: the number of events before it in the stream. */
export interface StoredEvent {
  readonly version: number
  readonly event: JobEvent
}

interface StreamState {
  /** The job as it was after `version` events, where a snapshot was written. */
  readonly snapshot: { readonly version: number; readonly job: Job } | null
  /** Events after the snapshot, oldest first. */
  readonly events: readonly StoredEvent[]
  /** Number of events in the stream: what the next append expects. */
  readonly version: number
}

export interface Page<Cursor> {
  readonly limit: number
  /** The last one of the page before; newest first. */
  readonly before?: Cursor
}

export interface JobReads {
  get(id: JobId): Promise<JobRow | undefined>
  /** Newest first. */
  list(query: Page<JobId> & { readonly tenant: TenantId; readonly phase?: JobPhase }): Promise<readonly JobRow[]>
  /** Jobs that are not closed, oldest first: what a restarted node takes up. */
  active(): Promise<readonly JobId[]>
  /** Jobs closed at or after `since`, in the order they closed; `after` is the last job of the page before. */
  closedSince(query: {
    readonly since: number
    readonly limit: number
    readonly after?: ClosedJob
  }): Promise<readonly ClosedJob[]>
}

export interface ClosedJob {
  readonly id: JobId
  readonly closedAt: number
}

export interface ReceiptReads {
  get(id: ReceiptId): Promise<StoredReceipt | undefined>
  /** In the order of their ids, which is that of their issue; `after` is the last receipt of the page before. */
  ofJob(job: JobId, page: { readonly limit: number; readonly after?: ReceiptId }): Promise<readonly StoredReceipt[]>
  /** Newest first. */
  ofTenant(tenant: TenantId, page: Page<ReceiptId>): Promise<readonly StoredReceipt[]>
  /** Newest first. */
  ofProvider(provider: Address, page: Page<ReceiptId>): Promise<readonly StoredReceipt[]>
  /** Whole batches, in the order of their first ids; `after` is the first receipt of the last one of the page before. */
  batches(query: Period & BatchPage): Promise<readonly ReceiptBatch[]>
}

/** From a time on and before another (wall-clock ms); left out, there is no end to it. */
export interface Period {
  readonly from?: number
  readonly to?: number
}

interface BatchPage {
  readonly provider?: Address
  readonly limit: number
  readonly after?: ReceiptId
}

/** An attempt that more than one receipt stands for, after those that others reverse. */
export interface PaidTwice {
  readonly attempt: AttemptId
  /** The receipts that stand, in the order of their ids. */
  readonly receipts: readonly ReceiptId[]
}

/** What the ledger says about itself, computed afresh from its entries and from the receipts. */
export interface LedgerAudit {
  readonly accounts: number
  readonly entries: number
  /** Sum over all accounts: 0, or money was made. */
  readonly total: NanoUsd
  /** Accounts whose balance is not the sum of their entries: none, or the ledger is broken. */
  readonly mismatches: readonly {
    readonly account: AccountName
    readonly balance: NanoUsd
    readonly entered: NanoUsd
  }[]
  /** Payments that are not the sum of the receipts that name them: none, or a line of a bill is missing. */
  readonly unreconciled: readonly { readonly entry: EntryId; readonly paid: NanoUsd; readonly receipted: NanoUsd }[]
  /** None, or a tenant paid for one run of a task more than once. */
  readonly paidTwice: readonly PaidTwice[]
}

export interface LedgerReads {
  /** 0 for an account nothing was ever posted to. */
  balance(account: AccountName): Promise<NanoUsd>
  balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, NanoUsd>>
  /** Entries that touch the account, newest first. */
  entries(query: Page<EntryId> & { readonly account: AccountName }): Promise<readonly LedgerEntry[]>
  entry(id: EntryId): Promise<LedgerEntry | undefined>
  /** Entries in the order of their ids, all or those that touch an account; `after` is the last of the page before. */
  list(
    query: Period & { readonly account?: AccountName; readonly limit: number; readonly after?: EntryId },
  ): Promise<readonly LedgerEntry[]>
  /** What the entries of an account before this time (wall-clock ms) add up to. */
  entered(account: AccountName, before: number): Promise<NanoUsd>
  total(): Promise<NanoUsd>
  /** Reads all there is: for tests, and for an operator who wants to know. */
  audit(): Promise<LedgerAudit>
}

export interface Tenant {
  readonly id: TenantId
  /** Address of the tenant's own key; `null` where the market signs its orders. */
  readonly address: Address | null
  readonly createdAt: number
}

/** An API key as it may be shown: never the key, nor its hash. */
export interface ApiKey {
  readonly id: KeyId
  readonly tenant: TenantId
  readonly lastFour: string
  readonly createdAt: number
  readonly revokedAt: number | null
  readonly lastUsedAt: number | null
}

export interface Accounts {
  /** Rejects `conflict` where the id is taken. */
  create(tenant: Tenant): Promise<void>
  get(id: TenantId): Promise<Tenant | undefined>
  /** Oldest first; `after` is the last tenant of the page before. */
  list(page: { readonly limit: number; readonly after?: TenantId }): Promise<readonly Tenant[]>
  /** `sha256` is the hash of the key, 32 bytes. Rejects `not_found` for an unknown tenant, `conflict` for a known key. */
  addKey(key: ApiKey & { readonly sha256: Uint8Array }): Promise<void>
  /** The key with this hash and its tenant, revoked or not. */
  keyByHash(sha256: Uint8Array): Promise<{ readonly key: ApiKey; readonly tenant: Tenant } | undefined>
  /** Newest first. */
  keys(tenant: TenantId): Promise<readonly ApiKey[]>
  /** Whether the tenant had such a key, not revoked before. */
  revokeKey(key: { readonly tenant: TenantId; readonly id: KeyId; readonly at: number }): Promise<boolean>
  /** Not durable at once: may be lost in a crash. */
  markKeyUsed(id: KeyId, at: number): Promise<void>
  /** Whether the notice was written: it is not where the tenant has one with this number. */
  addNotice(tenant: TenantId, notice: AccountNotice): Promise<boolean>
  /** In the order of their numbers; `after` is the number of the last one of the page before. */
  notices(
    tenant: TenantId,
    page: { readonly limit: number; readonly after?: number },
  ): Promise<readonly AccountNotice[]>
  /** The newest of each tenant that has one. */
  lastNotices(tenants: readonly TenantId[]): Promise<ReadonlyMap<TenantId, AccountNotice>>
  /** Tenants whose newest notice names another standing than this one. */
  notStanding(standing: AccountNotice['standing']): Promise<readonly TenantId[]>
}

export interface ProviderRow {
  readonly address: Address
  /** Epoch of the newest link; 0 before the first. */
  readonly epoch: number
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

export interface Providers {
  get(address: Address): Promise<ProviderRow | undefined>
  list(page: { readonly limit: number; readonly after?: Address }): Promise<readonly ProviderRow[]>
  /** Notes that a provider was seen; makes its row the first time. Never moves `lastSeenAt` back. */
  markSeen(address: Address, at: number): Promise<void>
  /** Compare-and-set: `true` only if the epoch is newer than any before it, over all nodes. Makes the row the first time. */
  advanceEpoch(address: Address, epoch: number, at: number): Promise<boolean>
}

/** What was seen of providers: see `protocol/record`. Ids and times order the same everywhere. */
export interface Observations {
  /** Adds those that are new by their id: the ids of these. */
  add(seen: readonly Observation[]): Promise<ReadonlySet<string>>
  /** At most `limit` of each provider, newest first; providers without any are left out. */
  newestOf(providers: readonly Address[], limit: number): Promise<ReadonlyMap<Address, readonly Observation[]>>
  /** Over all providers, newest first. */
  newest(limit: number): Promise<readonly Observation[]>
  /** Forgets those from before `olderThan`: how many. */
  prune(olderThan: number): Promise<number>
}

/** What machines showed when they were challenged. Ids and times order the same everywhere. */
export interface Benchmarks {
  /** Whether it is new by its id; one that is not changes nothing. */
  add(entry: BenchmarkEntry): Promise<boolean>
  /** At most `limit` of each provider, newest first; providers without any are left out. */
  newestOf(providers: readonly Address[], limit: number): Promise<ReadonlyMap<Address, readonly BenchmarkEntry[]>>
  /** Forgets those from before `olderThan`: how many. */
  prune(olderThan: number): Promise<number>
}

export interface Blobs {
  /**
   * Notes a blob that is on disk; one already known becomes as young as `createdAt`, so that collection spares it, and
   * stays whose it was: `uploader` is the tenant that brings in one the market did not hold.
   */
  put(row: BlobRow, uploader?: TenantId): Promise<void>
  get(cid: Cid): Promise<BlobRow | undefined>
  /** Those of the CIDs that are known. */
  known(cids: readonly Cid[]): Promise<ReadonlySet<Cid>>
  usage(): Promise<{ readonly count: number; readonly bytes: number }>
  /** Blobs of no job that are older than `olderThan` (wall-clock ms), oldest first: what may be collected. */
  unreferenced(query: { readonly olderThan: number; readonly limit: number }): Promise<readonly BlobRow[]>
  /** Forgets a blob unless a job refers to it or it was put again since; then, and only then, its bytes may be deleted. */
  remove(cid: Cid, olderThan: number): Promise<boolean>
  /** Bytes of the blobs of no job: all of them, or those this tenant brought in. */
  unreferencedBytes(uploader?: TenantId): Promise<number>
  /** Ends what the job keeps: the number of blobs it referred to. */
  dropRefs(job: JobId): Promise<number>
  /** Ends what jobs keep that were closed before `closedBefore` (wall-clock ms): how many references that were. */
  dropRefsOfClosed(closedBefore: number): Promise<number>
}

/**
 * Everything durable a market has. Two implementations pass one compliance suite: Postgres, and memory for the
 * simulator.
 */
export interface Store {
  /**
   * Atomic, and durable when it resolves. Concurrent commits are grouped into one transaction, in the order of the
   * calls; one that is refused never spoils its neighbours. Rejects
   * - `stale_writer`: a stream is not at `expectedVersion`, or a job has another `owner`, who then stands in the facts;
   * - `insufficient_funds`, `insufficient_bond`: an account would fall below zero; `ledger_unbalanced`;
   * - `order_replayed`: the digest of an order was used before;
   * - `blob_missing`: a reference to a blob that has no row;
   * - `transition_refused`: a batch of receipts or an entry that was written before, or two receipts of this commit for
   *   one attempt. That no later commit pays an attempt again is for the journal: its events say what was accepted;
   * - `record_invalid`: receipts that are no batch, or do not rest on the claims beside them;
   * - `disk_full`, `unavailable`: nothing was written, unless `facts.outcome` is `unknown`: then the connection broke
   *   while the transaction was ending and could not be had back, and the caller must read the stream again.
   */
  commit(commit: Commit): Promise<void>
  /** `undefined` where nothing was ever appended. */
  readStream(stream: JobId): Promise<StreamState | undefined>
  /** The events from the one at `from` on, oldest first, snapshots or not: the timeline. */
  readEvents(stream: JobId, page: { readonly from: number; readonly limit: number }): Promise<readonly StoredEvent[]>
  /** Keeps the newest only. `job` must be the fold of the first `version` events. */
  writeSnapshot(snapshot: {
    readonly stream: JobId
    readonly version: number
    readonly job: Job
    readonly at: number
  }): Promise<void>
  /** Forgets orders that expired before `now`: how many. */
  pruneOrders(now: number): Promise<number>
  readonly jobs: JobReads
  readonly receipts: ReceiptReads
  readonly auctions: Auctions
  readonly ledger: LedgerReads
  readonly accounts: Accounts
  readonly providers: Providers
  readonly observations: Observations
  readonly benchmarks: Benchmarks
  readonly blobs: Blobs
  readonly admin: Admin
  readonly prices: Prices
  readonly standingOrders: StandingOrders
  readonly nodes: Nodes
  readonly personal: PersonalData
  /** Resolves where the store answers; rejects `unavailable`. */
  ping(): Promise<void>
  /** Finishes the commits under way, refuses new ones, and lets go of everything. */
  close(): Promise<void>
}
