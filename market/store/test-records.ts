import {
  attemptId,
  cidOf,
  digestOf,
  newId,
  newIds,
  systemWorld,
  transfer,
  type AccountName,
  type Address,
  type AttemptId,
  type Cid,
  type Claim,
  type EntryId,
  type EntryKind,
  type Hex,
  type IdNoun,
  type JobEvent,
  type JobId,
  type CommittedSpec,
  type LeaseId,
  type LedgerEntry,
  type NanoUsd,
  type Order,
  type Receipt,
  type ReceiptId,
  type TenantId,
} from '@muster/protocol'
import type { JobRow, ReceiptBatch, StoredReceipt, UsedOrder } from './store.ts'

// Records for tests of the store, which checks no signatures.

const hex = (digit: string, byteCount: number): Hex => `0x${digit.repeat(2 * byteCount)}`
const signature = hex('5', 65)
export const at = 1_800_000_000_000
export const address = (digit: string): Address => hex(digit, 20) as Address

export const someId = <Noun extends IdNoun>(noun: Noun) => newId({ ...systemWorld, now: () => at }, noun)
export const someCid = (text: string): Cid => cidOf(new TextEncoder().encode(text))

const resources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 }
const placement = { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} }
const price = { nanoUsd: 278n, per: 'task' } as const

const someSpec = (tasks = 2): CommittedSpec => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  nameCommitment: digestOf('pages'),
  runtime: 'noop',
  program: null,
  tasks: Array.from({ length: tasks }, (_, index) => ({ inputs: [{ name: 'page', cid: someCid(`page ${index}`) }] })),
  slots: 2,
  resources,
  placement,
  award: 'lowest',
  maxPrice: price,
  ceiling: 10_000n,
  limits: { taskTimeoutMs: 60_000, maxFailures: 3 },
  verify: 'none',
})

export const submitted = (job: JobId, tenant: TenantId, tasks = 2): JobEvent => {
  const spec = someSpec(tasks)
  const record: Order = {
    kind: 'order',
    id: someId('order'),
    market: address('a'),
    tenant,
    custody: 'market',
    job: digestOf(spec),
    slots: spec.slots,
    resources,
    runtime: 'noop',
    placement,
    award: 'lowest',
    maxPrice: price,
    ceiling: 2n ** 62n,
    nonce: hex('7', 16),
    issuedAt: at,
    expiresAt: at + 60_000,
  }
  return {
    type: 'submitted',
    at,
    job,
    tenant,
    spec,
    order: { record, signature },
    operators: 0,
    execSpec: '',
    declaredOutputs: [],
  }
}

export const leaseOpened = (job: JobId, tenant: TenantId, lease: LeaseId): JobEvent => ({
  type: 'lease-opened',
  at,
  lease: {
    record: {
      kind: 'lease',
      id: lease,
      market: address('a'),
      provider: address('b'),
      tenant,
      job,
      order: digestOf('order'),
      reservation: digestOf('reservation'),
      slots: 2,
      resources,
      runtime: 'noop',
      price,
      bond: 5_000n,
      startsAt: at,
      paidUntil: at + 3_600_000,
    },
    signature: { root: hex('1', 32), path: [hex('2', 32)], signature },
  },
  reservation: {
    record: {
      kind: 'reservation',
      id: someId('reservation'),
      market: address('a'),
      provider: address('b'),
      order: digestOf('order'),
      offer: someId('offer'),
      slots: 2,
      resources,
      gpus: [],
      price,
      issuedAt: at,
      expiresAt: at + 10_000,
    },
    signature,
  },
})

export const dispatched = (lease: LeaseId, index: number, fence = 1): JobEvent => ({
  type: 'dispatched',
  at,
  lease,
  attempts: [{ index, fence }],
})

/** An event that any stream takes, to the store. */
export const someEvent = (lease: LeaseId = someId('lease')): JobEvent => ({ type: 'lease-suspected', at, lease })

const someClaim = (attempt: AttemptId): Claim => ({
  kind: 'claim',
  market: address('a'),
  provider: address('b'),
  lease: someId('lease'),
  attempt,
  program: null,
  execSpec: '',
  inputs: digestOf([]),
  outputs: [{ name: 'text', cid: someCid(attempt) }],
  meter: { slotMs: 50, cpuMs: 40, peakMemoryBytes: 1_000_000 },
  startedAt: at,
  endedAt: at + 50,
})

/** Receipts for first runs of tasks of a job, each like `more` says. */
export const someBatch = (
  job: JobId,
  indexes: readonly number[],
  {
    fence = 1,
    entry = someId('entry'),
    fee = 0n,
    ...more
  }: Partial<Receipt> & { fence?: number; entry?: EntryId | null; fee?: bigint } = {},
): ReceiptBatch => {
  const claims = indexes.map((index) => someClaim(attemptId(job, index, fence)))
  const ids = newIds({ ...systemWorld, now: () => at }, 'receipt', indexes.length)
  const tenant = someId('tenant')
  const receipts = claims.map((claim, place): Receipt => ({
    kind: 'receipt',
    id: ids[place] ?? someId('receipt'),
    market: address('a'),
    provider: address('b'),
    tenant,
    lease: digestOf('lease'),
    claim: digestOf(claim),
    attempt: claim.attempt,
    price,
    operators: 0,
    slotMs: 50,
    amount: 278n,
    reverses: null,
    issuedAt: at,
    ...more,
  }))
  return { entry, fee, receipts: { records: receipts, signature }, claims: { records: claims, signature } }
}

export const idsOf = (stored: readonly StoredReceipt[]): ReceiptId[] => stored.map(({ receipt }) => receipt.record.id)

export const move = (from: AccountName, to: AccountName, amount: NanoUsd, kind: EntryKind = 'deposit'): LedgerEntry =>
  transfer({ id: someId('entry'), kind, from, to, amount, at })

export const someJobRow = (id: JobId, tenant: TenantId, more: Partial<JobRow> = {}): JobRow => ({
  id,
  tenant,
  phase: 'active',
  counts: { waiting: 2, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 },
  ceiling: 10_000n,
  charged: 0n,
  submittedAt: at,
  updatedAt: at,
  closedAt: null,
  ...more,
})

export const someOrder = (job: JobId, tenant: TenantId): UsedOrder => ({
  digest: digestOf(job),
  tenant,
  job,
  expiresAt: at + 1_000,
})
