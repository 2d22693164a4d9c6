import {
  sleep,
  type AuditReport,
  type EntryId,
  type JobId,
  type LedgerEntry,
  type ReceiptId,
  type TenantId,
  type World,
} from '@muster/protocol'
import { loadJob } from '../../job/load-job.ts'
import { spreadBatch } from '../../store/spread-batch.ts'
import type { JobRow, ReceiptBatch, Store, Tenant } from '../../store/store.ts'
import type { AuditFinding, AuditReader } from './audit-check.ts'
import { checkBalances } from './check-balances.ts'
import { checkBonds } from './check-bonds.ts'
import { checkDeposits } from './check-deposits.ts'
import { checkEarnings } from './check-earnings.ts'
import { checkEntries } from './check-entries.ts'
import { checkEscrow } from './check-escrow.ts'
import { checkPayments } from './check-payments.ts'
import { checkReceipts } from './check-receipts.ts'
import { checkRefunds } from './check-refunds.ts'

export interface AuditModules {
  readonly world: World
  readonly store: Store
}

const pageRows = 1_000
const pageBatches = 256
/** A market that works on moves while it is read: what is a fault is so each time. */
const maxPasses = 3
const pauseMs = 500
const shownFaults = 100

/** All there is, page by page; `read` is given the last of the page before. */
async function* pages<Row>(
  limit: number,
  read: (last: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  for (let last: Row | undefined; ;) {
    const page = await read(last)
    yield* page
    if (page.length < limit) return
    last = page.at(-1)
  }
}

const after = <Cursor>(cursor: Cursor | undefined) => (cursor === undefined ? {} : { after: cursor })
const before = <Cursor>(cursor: Cursor | undefined) => (cursor === undefined ? {} : { before: cursor })

const readAll = async (store: Store, readers: readonly AuditReader[]): Promise<void> => {
  const entries = pages<LedgerEntry>(pageRows, (last) =>
    store.ledger.list({ limit: pageRows, ...after<EntryId>(last?.id) }),
  )
  for await (const entry of entries) for (const reader of readers) reader.entry?.(entry)
  const batches = pages<ReceiptBatch>(pageBatches, (last) =>
    store.receipts.batches({ limit: pageBatches, ...after<ReceiptId>(last?.receipts.records[0]?.id) }),
  )
  for await (const batch of batches) {
    const receipts = spreadBatch(batch)
    for (const reader of readers) reader.batch?.(batch, receipts)
  }
  const tenants = pages<Tenant>(pageRows, (last) =>
    store.accounts.list({ limit: pageRows, ...after<TenantId>(last?.id) }),
  )
  for await (const { id: tenant } of tenants) {
    const jobs = pages<JobRow>(pageRows, (last) =>
      store.jobs.list({ tenant, limit: pageRows, ...before<JobId>(last?.id) }),
    )
    for await (const row of jobs) for (const reader of readers) reader.job?.(row)
  }
  for (const id of await store.jobs.active()) {
    const loaded = await loadJob(store, id)
    for (const { phase, lease } of loaded?.job.leases.values() ?? []) {
      if (phase === 'closed') continue
      const { id: leaseId, bond } = lease.record
      for (const reader of readers) reader.lease?.({ id: leaseId, bond })
    }
  }
}

const runPass = async ({ store }: AuditModules): Promise<AuditFinding[]> => {
  const readers = [
    checkEntries(),
    checkBalances(),
    checkDeposits(),
    checkEscrow(),
    checkPayments(),
    checkReceipts(),
    checkEarnings(),
    checkRefunds(),
    checkBonds(),
  ]
  await readAll(store, readers)
  const own = await store.ledger.audit()
  return readers.map((reader) => reader.finish(own))
}

/** What was found before and is found again, word for word. */
const confirmed = (now: readonly AuditFinding[], earlier: readonly AuditFinding[] | undefined): AuditFinding[] =>
  now.map((finding) => {
    if (earlier === undefined) return finding
    const same = earlier.find(({ name }) => name === finding.name)?.faults ?? []
    const known = new Set(same.map(({ subject, message }) => `${subject} ${message}`))
    return { ...finding, faults: finding.faults.filter(({ subject, message }) => known.has(`${subject} ${message}`)) }
  })

const isClean = (findings: readonly AuditFinding[]): boolean => findings.every(({ faults }) => faults.length === 0)

/**
 * Works every balance out afresh from entries, receipts, jobs and leases, and names what does not add up. Reads all there is, and
 * again where something was found: only what stays is a fault.
 */
export const auditLedger = async (modules: AuditModules): Promise<AuditReport> => {
  const { world } = modules
  const startedAt = world.now()
  let findings = await runPass(modules)
  let passes = 1
  for (; passes < maxPasses && !isClean(findings); passes++) {
    await sleep(world, pauseMs)
    findings = confirmed(await runPass(modules), findings)
  }
  return {
    ok: isClean(findings),
    startedAt,
    endedAt: world.now(),
    passes,
    checks: findings.map(({ faults, ...finding }) => ({
      ...finding,
      faultCount: faults.length,
      faults: faults.slice(0, shownFaults),
    })),
  }
}
