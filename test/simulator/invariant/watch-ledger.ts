import { mayBeNegative, type AccountName, type LedgerEntry, type NanoUsd } from '@muster/protocol'
import type { Violations } from './violations.ts'

/** The balances as they follow from the entries, added up here and nowhere else. */
export interface LedgerWatch {
  post(entries: readonly LedgerEntry[]): void
  readonly balances: ReadonlyMap<AccountName, NanoUsd>
}

export const watchLedger = (violations: Violations): LedgerWatch => {
  const balances = new Map<AccountName, NanoUsd>()
  return {
    balances,
    post: (entries) => {
      const touched = new Set<AccountName>()
      for (const { id, kind, legs } of entries) {
        let sum = 0n
        for (const { account, amount } of legs) {
          sum += amount
          balances.set(account, (balances.get(account) ?? 0n) + amount)
          touched.add(account)
        }
        if (sum !== 0n) violations.report('ledger-balances', `the ${kind} ${id} sums to ${sum}`)
      }
      for (const account of touched) {
        const balance = balances.get(account) ?? 0n
        if (balance < 0n && !mayBeNegative(account)) {
          violations.report('ledger-balances', `${account} is at ${balance}`)
        }
      }
    },
  }
}
