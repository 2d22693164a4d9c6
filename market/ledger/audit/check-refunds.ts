import { formatUsd, parseAttemptId, type JobId, type NanoUsd, type Receipt, type ReceiptId } from '@muster/protocol'
import { createSums, fault, type AuditReader } from './audit-check.ts'

/** Each refund has a reason, no receipt is refunded twice, and no job gets back more than was paid for it. */
export const checkRefunds = (): AuditReader => {
  const faults: ReturnType<typeof fault>[] = []
  const charges = new Map<ReceiptId, NanoUsd>()
  const reversals: Receipt[] = []
  const noted = new Map<ReceiptId, string>()
  const paid = createSums<JobId>()
  const refunded = createSums<JobId>()
  let checked = 0
  return {
    entry: ({ id, kind, legs, note }) => {
      if (kind !== 'reversal' && kind !== 'goodwill') return
      checked++
      if (note === undefined) return void faults.push(fault(id, `This ${kind} says neither what it is for nor why.`))
      const given = legs.reduce((sum, { amount }) => (amount > 0n ? sum + amount : sum), 0n)
      refunded.add(note.job, given)
      if (note.receipt === null) return
      const before = noted.get(note.receipt)
      if (before !== undefined) faults.push(fault(note.receipt, `It was refunded by ${before} and again by ${id}.`))
      noted.set(note.receipt, id)
    },
    batch: ({ receipts: { records } }) => {
      for (const receipt of records) {
        const job = parseAttemptId(receipt.attempt)?.job
        if (receipt.reverses !== null) reversals.push(receipt)
        else {
          // Entries are read first: of millions of receipts only those that a refund names are kept.
          if (noted.has(receipt.id)) charges.set(receipt.id, receipt.amount)
          if (job !== undefined && refunded.sums.has(job)) paid.add(job, receipt.amount)
        }
      }
    },
    finish: () => {
      const undone = new Map<ReceiptId, ReceiptId>()
      for (const { id, reverses, amount } of reversals) {
        if (reverses === null) continue
        const before = undone.get(reverses)
        if (before !== undefined) faults.push(fault(reverses, `It is reversed by ${before} and again by ${id}.`))
        undone.set(reverses, id)
        const charge = charges.get(reverses)
        if (!noted.has(reverses)) faults.push(fault(id, `No refund says why it reverses ${reverses}.`))
        else if (charge === undefined) faults.push(fault(id, `It reverses ${reverses}, which is not there.`))
        else if (charge !== -amount)
          faults.push(fault(id, `It reverses ${formatUsd(-amount)} of a receipt over ${formatUsd(charge)}.`))
      }
      for (const [job, sum] of refunded.sums) {
        if (sum > paid.of(job))
          faults.push(
            fault(job, `${formatUsd(sum)} were given back; only ${formatUsd(paid.of(job))} were paid for it.`),
          )
      }
      return {
        name: 'refunds',
        claim: 'no receipt is refunded twice, and no job gets back more than was paid',
        checked,
        faults,
      }
    },
  }
}
