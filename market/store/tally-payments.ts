import type { AttemptId, Receipt, ReceiptId } from '@muster/protocol'
import type { PaidTwice } from './store.ts'

interface PaymentTally {
  add(receipts: readonly Receipt[]): void
  paidTwice(): PaidTwice[]
}

/** Counts the receipts of a job that stand: those that charge, less those that another reverses. */
export const createPaymentTally = (): PaymentTally => {
  const charges = new Map<AttemptId, ReceiptId[]>()
  const reversed = new Set<ReceiptId>()
  return {
    add: (receipts) => {
      for (const { id, attempt, reverses } of receipts) {
        if (reverses !== null) reversed.add(reverses)
        else charges.set(attempt, [...(charges.get(attempt) ?? []), id])
      }
    },
    paidTwice: () =>
      [...charges]
        .map(([attempt, ids]) => ({ attempt, receipts: ids.filter((id) => !reversed.has(id)).toSorted() }))
        .filter(({ receipts }) => receipts.length > 1),
  }
}
