import { MusterError } from '../error/muster-error.ts'
import { formatUsd, type NanoUsd } from '../money/money.ts'
import { mayBeNegative, type AccountName } from './account.ts'
import type { LedgerEntry } from './entry.ts'

export type Balances = ReadonlyMap<AccountName, NanoUsd>

/** What the entries add to each account they touch. Throws `ledger_unbalanced` where legs do not sum to zero. */
export const netOf = (entries: readonly LedgerEntry[]): Map<AccountName, NanoUsd> => {
  const net = new Map<AccountName, NanoUsd>()
  for (const entry of entries) {
    let sum = 0n
    for (const { account, amount } of entry.legs) {
      sum += amount
      net.set(account, (net.get(account) ?? 0n) + amount)
    }
    if (sum === 0n) continue
    throw new MusterError({
      code: 'ledger_unbalanced',
      message: `Ledger entry ${entry.id} does not sum to zero.`,
      facts: { entry: entry.id, kind: entry.kind, expected: '0', found: sum.toString() },
    })
  }
  return net
}

/**
 * Posts entries all together or not at all: the balances after them.
 * Throws `ledger_unbalanced`, or `insufficient_funds` naming the account that would fall below zero.
 */
export const postEntries = (balances: Balances, entries: readonly LedgerEntry[]): Map<AccountName, NanoUsd> => {
  const next = new Map(balances)
  for (const [account, change] of netOf(entries)) {
    const balance = (next.get(account) ?? 0n) + change
    if (balance < 0n && !mayBeNegative(account)) throw overdrawn(account, balance - change, -change)
    next.set(account, balance)
  }
  return next
}

const holderOf = (account: AccountName): string => {
  if (account.startsWith('tenant:')) return 'The balance'
  if (account.startsWith('stake:')) return 'The stake of the provider'
  if (account.startsWith('escrow:')) return 'The escrow of the job'
  return 'The account'
}

/** `insufficient_bond` for a stake, `insufficient_funds` for any other account; the facts are nano-dollars. */
export const overdrawn = (account: AccountName, balance: NanoUsd, needed: NanoUsd): MusterError =>
  new MusterError({
    code: account.startsWith('stake:') ? 'insufficient_bond' : 'insufficient_funds',
    message: `${holderOf(account)} holds ${formatUsd(balance)}, and this needs ${formatUsd(needed)}; nothing was moved.`,
    facts: { account, expected: needed.toString(), found: balance.toString() },
  })
