import { formatUsd } from '@muster/protocol'
import { fault, type AuditReader } from './audit-check.ts'

/** Every balance is the sum of its entries, none is below zero, and all together are nothing. */
export const checkBalances = (): AuditReader => ({
  finish: ({ accounts, total, mismatches }) => ({
    name: 'balances',
    claim: 'every balance is the sum of its entries, and all of them come to zero',
    checked: accounts,
    faults: [
      ...mismatches.map(({ account, balance, entered }) =>
        fault(account, `It holds ${formatUsd(balance)}; its entries come to ${formatUsd(entered)}.`),
      ),
      ...(total === 0n ? [] : [fault('the ledger', `All balances come to ${formatUsd(total)}, not to zero.`)]),
    ],
  }),
})
