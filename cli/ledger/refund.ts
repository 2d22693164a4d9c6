import { formatUsd, isId, MusterError, newId, parseId, parseUsd, systemWorld } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { connectAdmin } from '../market/admin-call.ts'

export interface RefundOptions {
  readonly amount?: string
  readonly reason: string
  readonly once?: string
}

const readTarget = (what: string, amount: string | undefined) => {
  if (isId('receipt', what)) {
    if (amount === undefined) return { type: 'receipt', receipt: what } as const
    throw new MusterError({
      code: 'request_invalid',
      message: 'A receipt is refunded whole; for part of it name its job and an amount.',
      facts: { expected: 'no --amount', found: amount },
    })
  }
  const job = parseId('job', what)
  if (amount === undefined) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'How much of what was paid for the job is to be given back? Add --amount, in dollars.',
      facts: { expected: '--amount 0.25', found: 'nothing' },
    })
  }
  return { type: 'amount', job, amount: parseUsd(amount) } as const
}

/** `muster ledger refund`: for the operator. A whole receipt, or an amount of what was paid for a job. */
export const refund = async (session: Session, what: string, options: RefundOptions): Promise<number> => {
  const of = readTarget(what, options.amount)
  const key = options.once === undefined ? newId(systemWorld, 'entry') : parseId('entry', options.once)
  const muster = await connectAdmin(session)
  const refunded = await muster.refund({ of, reason: options.reason }, key, { signal: session.signal })
  session.print(refunded, () => {
    const { amount, tenant, entry, reversal } = refunded
    const by = reversal === null ? '' : `, by the receipt ${reversal}`
    return `${session.style.green('✓')} ${formatUsd(amount)} went back to ${tenant}${by}; the entry is ${entry}.\n`
  })
  return exitCodes.ok
}
