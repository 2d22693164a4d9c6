import { decodeCanonical, type Claim, type EntryId, type Receipt } from '@muster/protocol'
import { unpackSignatures } from '../receipt/pack-signatures.ts'
import type { StoredReceipt } from './store.ts'

/** A receipt and its claim from the bytes they are kept in; amounts become bigints again. */
export const decodeReceipt = (row: {
  readonly entry: EntryId | null
  readonly receipt: Uint8Array
  readonly claim: Uint8Array
  readonly signatures: Uint8Array
}): StoredReceipt => {
  const record = decodeCanonical(row.receipt) as Receipt
  const [ours, theirs] = unpackSignatures(row.signatures)
  if (ours === undefined || theirs === undefined) throw new RangeError(`receipt ${record.id} lacks a signature`)
  const price = { ...record.price, nanoUsd: BigInt(record.price.nanoUsd) }
  return {
    entry: row.entry,
    receipt: { record: { ...record, price, amount: BigInt(record.amount) }, signature: ours },
    claim: { record: decodeCanonical(row.claim) as Claim, signature: theirs },
  }
}
