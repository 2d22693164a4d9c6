import {
  digestOf,
  formatUsd,
  parseAttemptId,
  type NanoUsd,
  type Receipt,
  type ReceiptBundle,
  type ReceiptId,
} from '@muster/protocol'
import { checkThat, type ReceiptCheck } from './receipt-check.ts'

export interface BillVerdict {
  readonly ok: boolean
  readonly checks: readonly ReceiptCheck[]
  /** Sum of the receipts, reversals taken off: what the tenant paid. */
  readonly total: NanoUsd
  /** Sum of what reversals gave back. */
  readonly refunded: NanoUsd
  /** What of the total the market kept, as far as the receipts say; the rest is the providers'. */
  readonly fees: NanoUsd
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

/** The receipts that are undone, and the reversals that undo none: of a receipt that is not there, of another attempt, of another sum, of one undone before. */
const pairReversals = (receipts: readonly Receipt[]): { reversed: ReadonlySet<ReceiptId>; unpaired: ReceiptId[] } => {
  const charges = new Map(receipts.flatMap((each) => (each.reverses === null ? [[each.id, each] as const] : [])))
  const reversed = new Set<ReceiptId>()
  const wrong: ReceiptId[] = []
  for (const { id, reverses, attempt, claim, lease, amount } of receipts) {
    if (reverses === null) continue
    const charge = reversed.has(reverses) ? undefined : charges.get(reverses)
    const isRight =
      charge !== undefined &&
      charge.attempt === attempt &&
      charge.claim === claim &&
      charge.lease === lease &&
      charge.amount === -amount
    if (isRight) reversed.add(reverses)
    else wrong.push(id)
  }
  return { reversed, unpaired: wrong }
}

/** Between nothing and all of an amount, on whichever side of zero that is. */
const isPart = (fee: NanoUsd, amount: NanoUsd): boolean =>
  amount >= 0n ? fee >= 0n && fee <= amount : fee <= 0n && fee >= amount

/** The orders whose receipts come to more than was ordered for. */
const findOverspent = (bundles: readonly ReceiptBundle[]): string[] => {
  const spent = new Map<string, { sum: NanoUsd; readonly ceiling: NanoUsd; readonly id: string }>()
  for (const { order, receipt } of bundles) {
    const { ceiling, id } = order.record
    const key = digestOf(order.record)
    const known = spent.get(key) ?? { sum: 0n, ceiling, id }
    known.sum += receipt.record.amount
    spent.set(key, known)
  }
  return [...spent.values()]
    .filter(({ sum, ceiling }) => sum > ceiling)
    .map(({ id, sum, ceiling }) => `${formatUsd(sum)} of ${formatUsd(ceiling)} for ${id}`)
}

/**
 * Checks the receipts of one job against one another: none twice, no task charged twice, each reversal undoes one receipt of them
 * and all of it, no order is charged more than its ceiling, the market's fee is part of what was paid, and, where the sum charged is
 * given, that they add up to it: what was charged and is missing from their sum was given back by reversals among them. Each by
 * itself is for `verifyReceipt`.
 */
export const verifyBill = (bundles: readonly ReceiptBundle[], charged?: NanoUsd): BillVerdict => {
  const receipts = bundles.map(({ receipt }) => receipt.record)
  const { reversed, unpaired } = pairReversals(receipts)
  const overspent = findOverspent(bundles)
  const standing = receipts.filter(({ id, reverses }) => reverses === null && !reversed.has(id))
  const tasks = standing.map(({ attempt }) => {
    const name = parseAttemptId(attempt)
    return name === undefined ? attempt : `${name.job}.${name.index}`
  })
  const twice = repeated(receipts.map(({ id }) => id))
  const chargedTwice = repeated(tasks)
  const total = receipts.reduce((sum, { amount }) => sum + amount, 0n)
  const refunded = receipts.reduce((sum, { amount, reverses }) => (reverses === null ? sum : sum - amount), 0n)
  const fees = bundles.reduce((sum, { fee }) => sum + (fee ?? 0n), 0n)
  const unfair = bundles.flatMap(({ fee, receipt }) =>
    isPart(fee ?? 0n, receipt.record.amount) ? [] : [receipt.record.id],
  )
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
    checkThat(
      'every reversal undoes one receipt, and all of it',
      unpaired.length === 0,
      `${reversed.size} reversals`,
      `false: ${firstFew(unpaired)}`,
    ),
    checkThat(
      'no order is charged more than its ceiling',
      overspent.length === 0,
      formatUsd(total),
      `more: ${firstFew(overspent)}`,
    ),
    checkThat(
      'the market’s fee is part of each receipt',
      unfair.length === 0,
      `${formatUsd(fees)} of ${formatUsd(total)}`,
      `not of: ${firstFew(unfair)}`,
    ),
    ...(charged === undefined
      ? []
      : [
          checkThat(
            'the receipts add up to what was charged',
            total <= charged && charged <= total + refunded,
            charged === total
              ? formatUsd(total)
              : `${formatUsd(charged)}, of which ${formatUsd(charged - total)} came back`,
            `the receipts add up to ${formatUsd(total)}, charged were ${formatUsd(charged)}`,
          ),
        ]),
  ]
  return { ok: checks.every(({ result }) => result === 'ok'), checks, total, refunded, fees }
}
