import { type Job, type ReceiptBundle, type SignedResize } from '@muster/protocol'
import type { StoredReceipt } from '../store/store.ts'

/** What asked for so many slots, where the order itself does not. */
const resizeFor = ({ order, resizes }: Job, slots: number): SignedResize | undefined =>
  slots <= order.record.slots ? undefined : resizes.find(({ record }) => record.slots >= slots)

/** Receipts with the signed records each one rests on. */
export const bundleReceipts = (job: Job, receipts: readonly StoredReceipt[], chainId: number): ReceiptBundle[] =>
  receipts.flatMap(({ receipt, claim, fee, entry }) => {
    const state = job.leases.get(claim.record.lease)
    if (state === undefined) return []
    const { lease, amendments, reservation } = state
    const resize = resizeFor(job, lease.record.slots)
    const changed = {
      ...(amendments.length === 0 ? {} : { amendments: [...amendments] }),
      ...(resize === undefined ? {} : { resize }),
    }
    return [{ chainId, receipt, fee, entry, claim, lease, reservation, order: job.order, ...changed }]
  })
