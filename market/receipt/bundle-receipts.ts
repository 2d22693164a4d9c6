import { type Job, type ReceiptBundle } from '@muster/protocol'
import type { StoredReceipt } from '../store/store.ts'

/** Receipts with the signed records each one rests on. */
export const bundleReceipts = (job: Job, receipts: readonly StoredReceipt[], chainId: number): ReceiptBundle[] =>
  receipts.flatMap(({ receipt, claim, fee, entry }) => {
    const state = job.leases.get(claim.record.lease)
    if (state === undefined) return []
    return [
      { chainId, receipt, fee, entry, claim, lease: state.lease, reservation: state.reservation, order: job.order },
    ]
  })
