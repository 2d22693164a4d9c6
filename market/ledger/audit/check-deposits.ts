import { formatUsd, outsideAccount } from '@muster/protocol'
import { fault, type AuditReader } from './audit-check.ts'

/** What came in from outside is what tenants, stakes and fees were given, and what outside gave. */
export const checkDeposits = (): AuditReader => {
  let [given, taken] = [0n, 0n]
  let checked = 0
  return {
    entry: ({ kind, legs }) => {
      if (kind === 'deposit' || kind === 'stake') checked++
      for (const { account, amount } of legs) {
        if (account === outsideAccount) taken -= amount
        else if ((kind === 'deposit' || kind === 'stake') && amount > 0n) given += amount
      }
    },
    finish: () => ({
      name: 'deposits',
      claim: 'what came from outside is what deposits and stakes brought in',
      checked,
      faults:
        given === taken
          ? []
          : [fault(outsideAccount, `It gave ${formatUsd(taken)}; deposits and stakes come to ${formatUsd(given)}.`)],
    }),
  }
}
