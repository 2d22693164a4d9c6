import type {
  AccountName,
  ActionId,
  AccountNotice,
  Address,
  Cid,
  Digest,
  EntryId,
  JobId,
  KeyId,
  LedgerEntry,
  NanoUsd,
  Observation,
  ReceiptId,
  TenantId,
} from '@muster/protocol'
import type { ReceiptBatchRow } from '../encode-batch.ts'
import type { JournalRow } from '../encode-commit.ts'
import type { AdminAction, AdminKey, Denial } from '../admin-store.ts'
import type { ApiKey, BlobRow, JobRow, ProviderRow, Tenant, UsedOrder } from '../store.ts'

/** What survives a crash of the store in memory: hand it to the next one. */
export interface MemoryDisk {
  readonly journal: Map<JobId, JournalRow[]>
  readonly snapshots: Map<JobId, { readonly version: number; readonly state: Uint8Array }>
  readonly jobs: Map<JobId, JobRow>
  /** By the first id of each. */
  readonly batches: Map<ReceiptId, ReceiptBatchRow>
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
}

export const createMemoryDisk = (): MemoryDisk => ({
  journal: new Map(),
  snapshots: new Map(),
  jobs: new Map(),
  batches: new Map(),
  entries: new Map(),
  balances: new Map(),
  orders: new Map(),
  tenants: new Map(),
  keys: new Map(),
  notices: new Map(),
  providers: new Map(),
  observations: new Map(),
  blobs: new Map(),
  uploaders: new Map(),
  refsOfJob: new Map(),
  refCounts: new Map(),
  adminKeys: new Map(),
  adminActions: new Map(),
  denials: new Map(),
})
