import { shareFee, spreadGroup } from '@muster/protocol'
import { decodeBody } from './batch-body.ts'
import type { ReceiptBatchRow } from './encode-batch.ts'
import type { ReceiptBatch, StoredReceipt } from './store.ts'

/** Each receipt of a batch with its claim and its share of the fee, in the order of the ids. */
export const spreadBatch = ({ entry, fee, receipts, claims }: ReceiptBatch): StoredReceipt[] => {
  const signedClaims = spreadGroup(claims)
  const fees = shareFee(
    fee,
    receipts.records.map(({ amount }) => amount),
  )
  return spreadGroup(receipts).map((receipt, index) => {
    const claim = signedClaims[index]
    if (claim === undefined) throw new RangeError(`receipt ${receipt.record.id} lacks its claim`)
    return { entry, fee: fees[index] ?? 0n, receipt, claim }
  })
}

/** What a store keeps of a batch apart from what it is found by; a database gives the fee as text. */
export type KeptBatch = Pick<ReceiptBatchRow, 'entry' | 'body'> & { readonly fee: bigint | string }

/** The batch as it was written. */
export const restoreBatch = ({ entry, fee, body }: KeptBatch): ReceiptBatch => ({
  entry,
  fee: BigInt(fee),
  ...decodeBody(body),
})

/** `spreadBatch` out of a store. */
export const readBatch = (kept: KeptBatch): StoredReceipt[] => spreadBatch(restoreBatch(kept))
