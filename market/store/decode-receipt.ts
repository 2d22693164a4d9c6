import { decodeCanonical, type SignedClaim, type SignedReceipt } from '@muster/protocol'
import type { StoredReceipt } from './store.ts'

/** A receipt and its claim from the bytes they are kept in; amounts become bigints again. */
export const decodeReceipt = (row: { readonly receipt: Uint8Array; readonly claim: Uint8Array }): StoredReceipt => {
  const { record, signature } = decodeCanonical(row.receipt) as SignedReceipt
  const price = { ...record.price, nanoUsd: BigInt(record.price.nanoUsd) }
  return {
    receipt: { record: { ...record, price, amount: BigInt(record.amount) }, signature },
    claim: decodeCanonical(row.claim) as SignedClaim,
  }
}
