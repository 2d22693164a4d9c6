import {
  earningsAccount,
  escrowAccount,
  feesAccount,
  formatUsd,
  parseAttemptId,
  type AccountName,
  type EntryId,
  type NanoUsd,
} from '@muster/protocol'
import { fault, type AuditReader } from './audit-check.ts'

interface Due {
  amount: NanoUsd
  fee: NanoUsd
  receipts: number
  readonly payer: AccountName
  readonly payee: AccountName
  isMixed: boolean
}

interface Moved {
  readonly kind: string
  readonly escrow: NanoUsd
  readonly earnings: NanoUsd
  readonly fees: NanoUsd
  readonly accounts: readonly AccountName[]
}

/** Every payment and every reversal is the sum of the receipts that name it, out of their job, to their provider, less their fee. */
export const checkPayments = (): AuditReader => {
  const due = new Map<EntryId, Due>()
  const moved = new Map<EntryId, Moved>()
  const faults: ReturnType<typeof fault>[] = []
  const sumOn = (legs: readonly { account: AccountName; amount: NanoUsd }[], prefix: string): NanoUsd =>
    legs.reduce((sum, { account, amount }) => (account.startsWith(prefix) ? sum + amount : sum), 0n)
  return {
    entry: ({ id, kind, legs }) => {
      if (kind !== 'payment' && kind !== 'reversal') return
      moved.set(id, {
        kind,
        escrow: -sumOn(legs, 'escrow:'),
        earnings: sumOn(legs, 'earnings:'),
        fees: sumOn(legs, feesAccount),
        accounts: legs.map(({ account }) => account),
      })
    },
    batch: ({ entry, fee, receipts: { records } }) => {
      const [first] = records
      const job = parseAttemptId(first?.attempt ?? '')?.job
      if (first === undefined || job === undefined) return
      const amount = records.reduce((sum, receipt) => sum + receipt.amount, 0n)
      if (entry === null) {
        if (amount !== 0n)
          faults.push(
            fault(first.id, `${records.length} receipts over ${formatUsd(amount)} name no entry that moved it.`),
          )
        return
      }
      const [payer, payee] = [escrowAccount(job), earningsAccount(first.provider)]
      const known = due.get(entry) ?? { amount: 0n, fee: 0n, receipts: 0, payer, payee, isMixed: false }
      known.amount += amount
      known.fee += fee
      known.receipts += records.length
      known.isMixed ||= known.payer !== payer || known.payee !== payee
      due.set(entry, known)
    },
    finish: () => {
      for (const [id, { kind, escrow, earnings, fees, accounts }] of moved) {
        const found = due.get(id)
        if (found === undefined) {
          faults.push(fault(id, `This ${kind} of ${formatUsd(earnings + fees)} has no receipts.`))
          continue
        }
        if (found.isMixed) faults.push(fault(id, `This ${kind} is for receipts of several jobs or providers.`))
        if (earnings + fees !== found.amount) {
          faults.push(
            fault(
              id,
              `This ${kind} moved ${formatUsd(earnings + fees)}; its ${found.receipts} receipts come to ${formatUsd(found.amount)}.`,
            ),
          )
        } else if (fees !== found.fee) {
          faults.push(
            fault(id, `This ${kind} put ${formatUsd(fees)} to the fees; its receipts say ${formatUsd(found.fee)}.`),
          )
        }
        if (kind === 'payment' && escrow !== found.amount)
          faults.push(
            fault(
              id,
              `This payment took ${formatUsd(escrow)} out of escrow for receipts over ${formatUsd(found.amount)}.`,
            ),
          )
        const strangers = accounts.filter(
          (account) =>
            (account.startsWith('escrow:') && account !== found.payer) ||
            (account.startsWith('earnings:') && account !== found.payee),
        )
        for (const account of strangers)
          faults.push(fault(id, `This ${kind} moves ${account}, which is not of its receipts.`))
      }
      for (const [id, { amount, receipts }] of due) {
        if (!moved.has(id))
          faults.push(
            fault(id, `${receipts} receipts over ${formatUsd(amount)} name this entry; there is no such payment.`),
          )
      }
      return {
        name: 'payments',
        claim: 'every payment is the sum of its receipts, and every receipt is paid',
        checked: moved.size,
        faults,
      }
    },
  }
}
