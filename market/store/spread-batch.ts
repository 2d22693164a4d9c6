import { spreadGroup } from '@muster/protocol'
import { decodeBody } from './batch-body.ts'
import type { ReceiptBatchRow } from './encode-batch.ts'
import type { ReceiptBatch, StoredReceipt } from './store.ts'

/** Each receipt of a batch with its claim, in the order of the ids. */
export const spreadBatch = ({ entry, receipts, claims }: ReceiptBatch): StoredReceipt[] => {
  const signedClaims = spreadGroup(claims)
  return spreadGroup(receipts).map((receipt, index) => {
    const claim = signedClaims[index]
    if (claim === undefined) throw new RangeError(`receipt ${receipt.record.id} lacks its claim`)
    return { entry, receipt, claim }
  })
}

/** What a store keeps of a batch apart from what it is found by. */
export type KeptBatch = Pick<ReceiptBatchRow, 'entry' | 'body'>

/** `spreadBatch` out of a store. */
export const readBatch = ({ entry, body }: KeptBatch): StoredReceipt[] => spreadBatch({ entry, ...decodeBody(body) })
