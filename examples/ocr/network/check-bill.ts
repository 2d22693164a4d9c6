import {
  createVerifier,
  loadSecp256k1,
  verifyBill,
  verifyReceipt,
  type Address,
  type Muster,
  type ReceiptBundle,
} from '@muster/sdk'
import type { WaveReport } from './network-models.ts'

export type Bill = {
  readonly receipts: readonly ReceiptBundle[]
  readonly charged: bigint
  /** What is wrong with it, in words; nothing where the bill is right. */
  readonly complaints: readonly string[]
}

/** Checks the bill of a wave without trusting the market: one receipt a task, each proven offline, adding up to what was charged. */
export const checkBill = async (
  muster: Muster,
  market: Address,
  { wave, job, tasks, program }: WaveReport,
): Promise<Bill> => {
  const receipts = await Array.fromAsync(muster.listReceipts(job.id))
  const verifier = createVerifier(await loadSecp256k1())
  const complaints: string[] = []
  const known = new Set(receipts.map(({ receipt }) => receipt.record.id))
  if (receipts.length !== tasks.length) complaints.push(`${wave}: ${tasks.length} tasks, ${receipts.length} receipts`)
  for (const { index, receipt } of tasks)
    if (!known.has(receipt)) complaints.push(`${wave}: task ${index} has no receipt`)
  for (const bundle of receipts) {
    const { checks } = verifyReceipt(bundle, { market, program: program.manifestBytes }, verifier)
    for (const { name, result, why } of checks) {
      if (result === 'failed') complaints.push(`${wave}: receipt ${bundle.receipt.record.id}: ${name}: ${why}`)
    }
  }
  for (const { name, result, why } of verifyBill(receipts, job.charged).checks) {
    if (result === 'failed') complaints.push(`${wave}: ${name}: ${why}`)
  }
  return { receipts, charged: job.charged, complaints }
}
