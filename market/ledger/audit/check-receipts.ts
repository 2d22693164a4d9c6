import type { LedgerAudit } from '../../store/store.ts'
import { fault, type AuditReader } from './audit-check.ts'

/** No attempt has two receipts that stand. */
export const checkReceipts = (): AuditReader => {
  let checked = 0
  return {
    batch: ({ receipts: { records } }) => void (checked += records.length),
    finish: ({ paidTwice }: LedgerAudit) => ({
      name: 'receipts',
      claim: 'no attempt is paid twice',
      checked,
      faults: paidTwice.map(({ attempt, receipts }) => fault(attempt, `It is paid by ${receipts.join(' and ')}.`)),
    }),
  }
}
