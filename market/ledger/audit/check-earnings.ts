import { earningsAccount, feesAccount, formatUsd, type AccountName } from '@muster/protocol'
import { createSums, fault, type AuditReader } from './audit-check.ts'

/** What each provider earned is its receipts less fees; what the market earned is the fees, less what it gave. */
export const checkEarnings = (): AuditReader => {
  const receipted = createSums<AccountName>()
  const entered = createSums<AccountName>()
  return {
    entry: ({ kind, legs }) => {
      for (const { account, amount } of legs) {
        if (account.startsWith('earnings:') || account === feesAccount) entered.add(account, amount)
        if (account === feesAccount && (kind === 'deposit' || kind === 'goodwill')) receipted.add(account, amount)
      }
    },
    batch: ({ fee, entry, receipts: { records } }) => {
      const [first] = records
      if (first === undefined || entry === null) return
      receipted.add(earningsAccount(first.provider), records.reduce((sum, { amount }) => sum + amount, 0n) - fee)
      receipted.add(feesAccount, fee)
    },
    finish: () => {
      const accounts = new Set([...receipted.sums.keys(), ...entered.sums.keys()])
      return {
        name: 'earnings',
        claim: 'what providers and the market earned is what the receipts come to',
        checked: accounts.size,
        faults: [...accounts]
          .filter((account) => receipted.of(account) !== entered.of(account))
          .map((account) =>
            fault(
              account,
              `Its entries come to ${formatUsd(entered.of(account))}, its receipts to ${formatUsd(receipted.of(account))}.`,
            ),
          ),
      }
    },
  }
}
