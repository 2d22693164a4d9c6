import { escrowAccount, formatUsd, parseAttemptId, type AccountName, type JobId, type NanoUsd } from '@muster/protocol'
import { createSums, fault, type AuditReader } from './audit-check.ts'

/** Each job set its ceiling aside once, paid its receipts out of it, and gave the rest back when it closed. */
export const checkEscrow = (): AuditReader => {
  const set = createSums<AccountName>()
  const back = createSums<AccountName>()
  const left = createSums<AccountName>()
  const charged = createSums<JobId>()
  const faults: ReturnType<typeof fault>[] = []
  let checked = 0
  const jobs: { readonly id: JobId; readonly ceiling: NanoUsd; readonly isClosed: boolean }[] = []
  return {
    entry: ({ kind, legs }) => {
      for (const { account, amount } of legs) {
        if (!account.startsWith('escrow:')) continue
        left.add(account, amount)
        if (kind === 'escrow') set.add(account, amount)
        if (kind === 'refund') back.add(account, -amount)
      }
    },
    batch: ({ entry, receipts: { records } }) => {
      if (entry === null) return
      for (const { attempt, amount, reverses } of records) {
        const job = parseAttemptId(attempt)?.job
        if (job !== undefined && reverses === null) charged.add(job, amount)
      }
    },
    job: ({ id, ceiling, phase }) => void jobs.push({ id, ceiling, isClosed: phase !== 'active' }),
    finish: () => {
      const known = new Set<AccountName>()
      for (const { id, ceiling, isClosed } of jobs) {
        checked++
        const account = escrowAccount(id)
        known.add(account)
        const due = ceiling - charged.of(id)
        if (set.of(account) !== ceiling)
          faults.push(fault(id, `It set ${formatUsd(set.of(account))} aside; its ceiling is ${formatUsd(ceiling)}.`))
        const rest = isClosed ? 0n : due
        if (left.of(account) !== rest)
          faults.push(
            fault(
              account,
              `It holds ${formatUsd(left.of(account))}; by ceiling and receipts it is ${formatUsd(rest)}.`,
            ),
          )
        if (isClosed && back.of(account) !== due)
          faults.push(
            fault(id, `It gave ${formatUsd(back.of(account))} back; ceiling less receipts are ${formatUsd(due)}.`),
          )
      }
      for (const account of left.sums.keys()) {
        if (!known.has(account)) faults.push(fault(account, 'There is no job that it could be for.'))
      }
      return {
        name: 'escrow',
        claim: 'every job set its ceiling aside, paid its receipts, and gave the rest back',
        checked,
        faults,
      }
    },
  }
}
