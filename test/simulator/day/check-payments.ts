import { parseAttemptId, type AccountName } from '@muster/protocol'
import type { Commit } from '../../../market/store/store.ts'
import type { Violations } from '../invariant/violations.ts'

const isEscrow = (account: AccountName): boolean => account.startsWith('escrow:')

/** That what leaves the escrow of a job is, to the last nano-dollar, what the receipts beside it charge. */
export const checkPayments = ({ receipts = [], entries = [] }: Commit, violations: Violations): void => {
  for (const batch of receipts) {
    const due = batch.receipts.records.reduce((sum, { amount }) => sum + amount, 0n)
    const entry = entries.find(({ id }) => id === batch.entry)
    const paid = (entry?.legs ?? [])
      .filter(({ account }) => isEscrow(account))
      .reduce((sum, { amount }) => sum - amount, 0n)
    if (paid === due) continue
    const job = parseAttemptId(batch.receipts.records[0]?.attempt ?? '')?.job ?? 'a job'
    violations.report('books-add-up', `receipts of ${job} charge ${due}, and ${paid} is paid for them`)
  }
}
