import type {
  AccountName,
  ActionId,
  AccountNotice,
  Address,
  BenchmarkEntry,
  AuctionId,
  Cid,
  Digest,
  EntryId,
  JobId,
  KeyId,
  LedgerEntry,
  NanoUsd,
  Observation,
  ReceiptId,
  StandingEvent,
  StandingOrderId,
  TenantId,
  Trade,
} from '@muster/protocol'
import type { KeptTranscriptRow } from '../auction-store.ts'
import type { ReceiptBatchRow } from '../encode-batch.ts'
import type { JournalRow } from '../encode-commit.ts'
import type { Ask } from '../price-store.ts'
import type { StoredStandingOrder } from '../standing-order-store.ts'
import type { AdminAction, AdminKey, Denial } from '../admin-store.ts'
import type { MarketFact, NodeId, NodeRow } from '../node-store.ts'
import type { PersonalText } from '../personal-store.ts'
import type { ApiKey, BlobRow, JobRow, ProviderRow, Tenant, UsedOrder } from '../store.ts'

/** What survives a crash of the store in memory: hand it to the next one. */
export interface MemoryDisk {
  readonly journal: Map<JobId, JournalRow[]>
  readonly snapshots: Map<JobId, { readonly version: number; readonly state: Uint8Array }>
  readonly jobs: Map<JobId, JobRow>
  /** Those of them that are not closed. */
  readonly activeJobs: Map<JobId, JobRow>
  /** The node that writes a job. */
  readonly owners: Map<JobId, NodeId>
  readonly nodes: Map<NodeId, NodeRow>
  readonly facts: Map<MarketFact, string>
  /** By the first id of each. */
  readonly batches: Map<ReceiptId, ReceiptBatchRow>
  readonly transcripts: Map<AuctionId, KeptTranscriptRow>
  readonly entries: Map<EntryId, LedgerEntry>
  readonly balances: Map<AccountName, NanoUsd>
  readonly orders: Map<Digest, UsedOrder>
  readonly tenants: Map<TenantId, Tenant>
  /** By id; `sha256` in hexadecimal. */
  readonly keys: Map<KeyId, ApiKey & { readonly sha256: string }>
  /** By tenant, in the order of their numbers. */
  readonly notices: Map<TenantId, readonly AccountNotice[]>
  readonly providers: Map<Address, ProviderRow>
  readonly observations: Map<string, Observation>
  /** The same of each provider, as they came. */
  readonly observationsOf: Map<Address, Observation[]>
  readonly benchmarks: Map<string, BenchmarkEntry>
  readonly blobs: Map<Cid, BlobRow>
  /** The tenant that brought a blob in, where one did. */
  readonly uploaders: Map<Cid, TenantId>
  readonly refsOfJob: Map<JobId, Set<Cid>>
  /** How many jobs refer to the blob. */
  readonly refCounts: Map<Cid, number>
  readonly adminKeys: Map<KeyId, { readonly key: AdminKey; readonly sha256: Uint8Array }>
  readonly adminActions: Map<ActionId, AdminAction>
  /** By kind and subject. */
  readonly denials: Map<string, Denial>
  /** Trades by the hour they were added up for. */
  readonly priceHours: Map<number, readonly Trade[]>
  /** By hour and series. */
  readonly priceAsks: Map<string, Ask>
  readonly standingOrders: Map<StandingOrderId, StoredStandingOrder & { readonly events: readonly StandingEvent[] }>
  /** `null` where it was erased. */
  readonly personalKeys: Map<TenantId, Uint8Array | null>
  /** By subject. */
  readonly personalTexts: Map<string, PersonalText>
}

export const createMemoryDisk = (): MemoryDisk => ({
  journal: new Map(),
  snapshots: new Map(),
  jobs: new Map(),
  activeJobs: new Map(),
  owners: new Map(),
  nodes: new Map(),
  facts: new Map(),
  batches: new Map(),
  transcripts: new Map(),
  entries: new Map(),
  balances: new Map(),
  orders: new Map(),
  tenants: new Map(),
  keys: new Map(),
  notices: new Map(),
  providers: new Map(),
  observations: new Map(),
  observationsOf: new Map(),
  benchmarks: new Map(),
  blobs: new Map(),
  uploaders: new Map(),
  refsOfJob: new Map(),
  refCounts: new Map(),
  adminKeys: new Map(),
  adminActions: new Map(),
  denials: new Map(),
  priceHours: new Map(),
  priceAsks: new Map(),
  standingOrders: new Map(),
  personalKeys: new Map(),
  personalTexts: new Map(),
})
