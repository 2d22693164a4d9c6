import type { AuditCheck, AuditFault, LeaseId, LedgerEntry } from '@muster/protocol'
import type { JobRow, LedgerAudit, ReceiptBatch, StoredReceipt } from '../../store/store.ts'

/** All an audit has read, as one after the other is read: every entry before the first batch. */
export interface AuditReader {
  entry?(entry: LedgerEntry): void
  /** With its receipts, each with its share of the fee. */
  batch?(batch: ReceiptBatch, receipts: readonly StoredReceipt[]): void
  job?(row: JobRow): void
  /** A lease that is not closed. */
  lease?(lease: { readonly id: LeaseId; readonly bond: bigint }): void
  finish(own: LedgerAudit): AuditFinding
}

export interface AuditFinding {
  readonly name: AuditCheck['name']
  readonly claim: string
  readonly checked: number
  readonly faults: readonly AuditFault[]
}

export const fault = (subject: string, message: string): AuditFault => ({ subject, message })

/** Adds up by key. */
export const createSums = <Key extends string>() => {
  const sums = new Map<Key, bigint>()
  return {
    sums,
    add: (key: Key, amount: bigint): void => void sums.set(key, (sums.get(key) ?? 0n) + amount),
    of: (key: Key): bigint => sums.get(key) ?? 0n,
  }
}
