import type { AccountName, EntryId, NanoUsd } from '@muster/protocol'
import { decodeReceipt } from '../decode-receipt.ts'
import type { JobReads, LedgerAudit, LedgerReads, ReceiptReads } from '../store.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { newestFirst } from './page.ts'

export const memoryJobs = (disk: MemoryDisk): JobReads => ({
  get: async (id) => disk.jobs.get(id),
  list: async ({ tenant, phase, ...page }) =>
    newestFirst(
      [...disk.jobs.values()].filter((row) => row.tenant === tenant && (phase === undefined || row.phase === phase)),
      ({ id }) => id,
      page,
    ),
  active: async () =>
    [...disk.jobs.values()]
      .filter(({ phase }) => phase === 'active')
      .map(({ id }) => id)
      .toSorted(),
})

export const memoryReceipts = (disk: MemoryDisk): ReceiptReads => ({
  get: async (id) => {
    const row = disk.receipts.get(id)
    return row === undefined ? undefined : decodeReceipt(row)
  },
  ofJob: async (job, { limit, after }) => {
    const rows = [...disk.receipts.values()]
      .filter((row) => row.job === job)
      .toSorted((a, b) => a.index - b.index || a.fence - b.fence || (a.id < b.id ? -1 : 1))
    const start = after === undefined ? 0 : rows.findIndex(({ id }) => id === after) + 1
    return after !== undefined && start === 0 ? [] : rows.slice(start, start + limit).map(decodeReceipt)
  },
  ofTenant: async (tenant, page) =>
    newestFirst(
      [...disk.receipts.values()].filter((row) => row.tenant === tenant),
      ({ id }) => id,
      page,
    ).map(decodeReceipt),
  ofProvider: async (provider, page) =>
    newestFirst(
      [...disk.receipts.values()].filter((row) => row.provider === provider),
      ({ id }) => id,
      page,
    ).map(decodeReceipt),
})

const sum = (amounts: Iterable<NanoUsd>): NanoUsd => {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}

/** Payments that are not the sum of the receipts that name them. */
export const unreconciled = (disk: MemoryDisk): LedgerAudit['unreconciled'] => {
  const receipted = new Map<EntryId, NanoUsd>()
  for (const { entry, amount } of disk.receipts.values()) {
    if (entry !== null) receipted.set(entry, (receipted.get(entry) ?? 0n) + amount)
  }
  const paid = new Map<EntryId, NanoUsd>()
  for (const { id, kind, legs } of disk.entries.values()) {
    if (kind !== 'payment') continue
    const into = legs.map(({ amount }) => amount).filter((amount) => amount > 0n)
    paid.set(id, sum(into))
  }
  return [...new Set([...paid.keys(), ...receipted.keys()])]
    .toSorted()
    .map((entry) => ({ entry, paid: paid.get(entry) ?? 0n, receipted: receipted.get(entry) ?? 0n }))
    .filter((each) => each.paid !== each.receipted)
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
    }
  },
})
