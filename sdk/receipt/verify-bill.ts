import { formatUsd, parseAttemptId, type NanoUsd, type ReceiptBundle } from '@muster/protocol'
import { checkThat, type ReceiptCheck } from './receipt-check.ts'

export interface BillVerdict {
  readonly ok: boolean
  readonly checks: readonly ReceiptCheck[]
  /** Sum of the receipts, reversals taken off. */
  readonly total: NanoUsd
}

const repeated = (texts: readonly string[]): string[] => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const text of texts) {
    if (seen.has(text)) twice.add(text)
    seen.add(text)
  }
  return [...twice]
}

const firstFew = (texts: readonly string[]): string => `${texts.slice(0, 3).join(', ')}${texts.length > 3 ? ', …' : ''}`

/**
 * Checks the receipts of one job against one another: none twice, no task charged twice, and, where the sum charged is given, that
 * they add up to it. Each by itself is for `verifyReceipt`.
 */
export const verifyBill = (bundles: readonly ReceiptBundle[], charged?: NanoUsd): BillVerdict => {
  const receipts = bundles.map(({ receipt }) => receipt.record)
  const reversed = new Set(receipts.map(({ reverses }) => reverses))
  const standing = receipts.filter(({ id, reverses }) => reverses === null && !reversed.has(id))
  const tasks = standing.map(({ attempt }) => {
    const name = parseAttemptId(attempt)
    return name === undefined ? attempt : `${name.job}.${name.index}`
  })
  const twice = repeated(receipts.map(({ id }) => id))
  const chargedTwice = repeated(tasks)
  const total = receipts.reduce((sum, { amount }) => sum + amount, 0n)
  const checks = [
    checkThat(
      'no receipt is counted twice',
      twice.length === 0,
      `${receipts.length} receipts`,
      `twice: ${firstFew(twice)}`,
    ),
    checkThat(
      'no task is charged twice',
      chargedTwice.length === 0,
      `${tasks.length} tasks`,
      `twice: ${firstFew(chargedTwice)}`,
    ),
    ...(charged === undefined
      ? []
      : [
          checkThat(
            'the receipts add up to what was charged',
            total === charged,
            formatUsd(total),
            `the receipts add up to ${formatUsd(total)}, charged were ${formatUsd(charged)}`,
          ),
        ]),
  ]
  return { ok: checks.every(({ result }) => result === 'ok'), checks, total }
}
