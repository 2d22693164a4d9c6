import type { ReceiptId } from '@muster/protocol'
import { readBatch, type KeptBatch } from './spread-batch.ts'
import type { StoredReceipt } from './store.ts'

/** No batch is decoded once the page is full. */
const takePage = (
  batches: readonly KeptBatch[],
  limit: number,
  cut: (receipts: readonly StoredReceipt[]) => readonly StoredReceipt[],
): StoredReceipt[] => {
  const page: StoredReceipt[] = []
  for (const batch of batches) {
    if (page.length >= limit) break
    page.push(...cut(readBatch(batch)))
  }
  return page.slice(0, limit)
}

/** The receipts after a cursor; the batches come oldest first. */
export const oldestReceipts = (
  batches: readonly KeptBatch[],
  { limit, after }: { readonly limit: number; readonly after?: ReceiptId },
): StoredReceipt[] =>
  takePage(batches, limit, (all) => all.filter(({ receipt }) => after === undefined || receipt.record.id > after))

/** The receipts before a cursor; the batches come newest first. */
export const newestReceipts = (
  batches: readonly KeptBatch[],
  { limit, before }: { readonly limit: number; readonly before?: ReceiptId },
): StoredReceipt[] =>
  takePage(batches, limit, (all) =>
    all.filter(({ receipt }) => before === undefined || receipt.record.id < before).toReversed(),
  )
