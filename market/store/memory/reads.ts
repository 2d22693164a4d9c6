import { feesAccount, type AccountName, type EntryId, type NanoUsd } from '@muster/protocol'
import { decodeBody } from '../batch-body.ts'
import type { ReceiptBatchRow } from '../encode-batch.ts'
import { newestReceipts, oldestReceipts } from '../page-receipts.ts'
import { readBatch, restoreBatch } from '../spread-batch.ts'
import type { ClosedJob, JobReads, LedgerAudit, LedgerReads, PaidTwice, Period, ReceiptReads } from '../store.ts'
import { createPaymentTally } from '../tally-payments.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { newestFirst, oldestFirst } from './page.ts'

const byClosing = (a: ClosedJob, b: ClosedJob): number =>
  a.closedAt - b.closedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

export const memoryJobs = (disk: MemoryDisk): JobReads => ({
  get: async (id) => disk.jobs.get(id),
  list: async ({ tenant, phase, ...page }) =>
    newestFirst(
      [...(phase === 'active' ? disk.activeJobs : disk.jobs).values()].filter(
        (row) => row.tenant === tenant && (phase === undefined || row.phase === phase),
      ),
      ({ id }) => id,
      page,
    ),
  active: async () => [...disk.activeJobs.keys()].toSorted(),
  closedSince: async ({ since, limit, after }) =>
    [...disk.jobs.values()]
      .flatMap(({ id, closedAt }) => (closedAt === null || closedAt < since ? [] : [{ id, closedAt }]))
      .filter((row) => after === undefined || byClosing(row, after) > 0)
      .toSorted(byClosing)
      .slice(0, limit),
})

const isWithin = (at: number, { from, to }: Period): boolean =>
  (from === undefined || at >= from) && (to === undefined || at < to)

/** Oldest first. */
const batchesWhere = (disk: MemoryDisk, isWanted: (row: ReceiptBatchRow) => boolean): ReceiptBatchRow[] =>
  [...disk.batches.values()].filter(isWanted).toSorted((a, b) => (a.firstId < b.firstId ? -1 : 1))

export const memoryReceipts = (disk: MemoryDisk): ReceiptReads => {
  const newest = (isWanted: (row: ReceiptBatchRow) => boolean, page: Parameters<typeof newestReceipts>[1]) => {
    const isBefore = ({ firstId }: ReceiptBatchRow) => page.before === undefined || firstId < page.before
    return newestReceipts(batchesWhere(disk, (row) => isWanted(row) && isBefore(row)).toReversed(), page)
  }
  return {
    get: async (id) => {
      const [batch] = batchesWhere(disk, ({ firstId, lastId }) => firstId <= id && id <= lastId)
      return batch === undefined ? undefined : readBatch(batch).find(({ receipt }) => receipt.record.id === id)
    },
    ofJob: async (job, page) => {
      const isAfter = ({ lastId }: ReceiptBatchRow) => page.after === undefined || lastId > page.after
      return oldestReceipts(
        batchesWhere(disk, (row) => row.job === job && isAfter(row)),
        page,
      )
    },
    ofTenant: async (tenant, page) => newest((row) => row.tenant === tenant, page),
    ofProvider: async (provider, page) => newest((row) => row.provider === provider, page),
    batches: async ({ provider, limit, after, ...period }) =>
      batchesWhere(
        disk,
        (row) =>
          (provider === undefined || row.provider === provider) &&
          (after === undefined || row.firstId > after) &&
          isWithin(row.issuedAt, period),
      )
        .slice(0, limit)
        .map(restoreBatch),
  }
}

const sum = (amounts: Iterable<NanoUsd>): NanoUsd => {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}

/** Payments that are not the sum of the receipts that name them. */
export const unreconciled = (disk: MemoryDisk): LedgerAudit['unreconciled'] => {
  const receipted = new Map<EntryId, NanoUsd>()
  for (const { entry, amount } of disk.batches.values()) {
    if (entry !== null) receipted.set(entry, (receipted.get(entry) ?? 0n) + amount)
  }
  const paid = new Map<EntryId, NanoUsd>()
  for (const { id, kind, legs } of disk.entries.values()) {
    if (kind !== 'payment' && kind !== 'reversal') continue
    const earned = legs.filter(({ account }) => account.startsWith('earnings:') || account === feesAccount)
    paid.set(id, sum(earned.map(({ amount }) => amount)))
  }
  return [...new Set([...paid.keys(), ...receipted.keys()])]
    .toSorted()
    .map((entry) => ({ entry, paid: paid.get(entry) ?? 0n, receipted: receipted.get(entry) ?? 0n }))
    .filter((each) => each.paid !== each.receipted)
}

/** Attempts that more than one receipt stands for. */
export const paidTwice = (disk: MemoryDisk): readonly PaidTwice[] => {
  const tally = createPaymentTally()
  for (const { body } of batchesWhere(disk, () => true)) tally.add(decodeBody(body).receipts.records)
  return tally.paidTwice()
}

export const memoryLedger = (disk: MemoryDisk): LedgerReads => ({
  balance: async (account) => disk.balances.get(account) ?? 0n,
  balances: async (accounts) => new Map(accounts.map((account) => [account, disk.balances.get(account) ?? 0n])),
  entries: async ({ account, ...page }) =>
    newestFirst(
      [...disk.entries.values()].filter(({ legs }) => legs.some((leg) => leg.account === account)),
      ({ id }) => id,
      page,
    ),
  entry: async (id) => disk.entries.get(id),
  list: async ({ account, from, to, ...page }) =>
    oldestFirst(
      [...disk.entries.values()].filter(
        ({ legs, at }) =>
          isWithin(at, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }) &&
          (account === undefined || legs.some((leg) => leg.account === account)),
      ),
      ({ id }) => id,
      page,
    ),
  entered: async (account, before) =>
    sum(
      [...disk.entries.values()]
        .filter(({ at }) => at < before)
        .flatMap(({ legs }) => legs.filter((leg) => leg.account === account).map(({ amount }) => amount)),
    ),
  total: async () => sum(disk.balances.values()),
  audit: async () => {
    const entered = new Map<AccountName, NanoUsd>()
    for (const { legs } of disk.entries.values()) {
      for (const { account, amount } of legs) entered.set(account, (entered.get(account) ?? 0n) + amount)
    }
    const accounts = [...new Set([...disk.balances.keys(), ...entered.keys()])].toSorted()
    return {
      accounts: accounts.length,
      entries: disk.entries.size,
      total: sum(disk.balances.values()),
      mismatches: accounts
        .map((account) => ({
          account,
          balance: disk.balances.get(account) ?? 0n,
          entered: entered.get(account) ?? 0n,
        }))
        .filter((each) => each.balance !== each.entered),
      unreconciled: unreconciled(disk),
      paidTwice: paidTwice(disk),
    }
  },
})
