import { z } from 'zod'
import { hexSchema } from '../digest/hex.ts'
import { idSchema } from '../id/id.ts'
import { attemptIdSchema } from '../id/task-id.ts'
import { formatUsd, nanoUsdSchema } from '../money/money.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'
import { entryKinds } from './entry.ts'

/** What a provider signs to be shown its statement: the market's challenge, and the period. Of kind `statement`. */
export const statementRequestSchema = z.strictObject({
  kind: z.literal('statement'),
  market: addressSchema,
  provider: addressSchema,
  /** Given by the market, used once. */
  challenge: hexSchema(32),
  /** From this time on (wall-clock ms) … */
  from: timeSchema,
  /** … and before this one. */
  to: timeSchema,
})
export type StatementRequest = z.output<typeof statementRequestSchema>
export type SignedStatementRequest = Signed<StatementRequest>
export const signedStatementRequestSchema = signedSchema(statementRequestSchema)

/** One receipt: what the tenant paid, what the market kept of it, and the entry that moved both. Below zero where it reverses another. */
export const statementLineSchema = z.strictObject({
  receipt: idSchema('receipt'),
  attempt: attemptIdSchema,
  at: timeSchema,
  amount: nanoUsdSchema,
  fee: nanoUsdSchema,
  entry: idSchema('entry').nullable(),
  reverses: idSchema('receipt').nullable(),
})
export type StatementLine = z.output<typeof statementLineSchema>

/** An entry of the ledger and what it did to the provider's earnings. */
export const statementEntrySchema = z.strictObject({
  entry: idSchema('entry'),
  kind: z.enum(entryKinds),
  at: timeSchema,
  earned: nanoUsdSchema,
})
export type StatementEntry = z.output<typeof statementEntrySchema>

/** What a provider earned in a period: every receipt and every entry, each with the other. */
export const statementSchema = z.strictObject({
  market: addressSchema,
  chainId: z.int().min(1),
  provider: addressSchema,
  from: timeSchema,
  to: timeSchema,
  /** Earnings before the period and at its end. */
  opening: nanoUsdSchema,
  closing: nanoUsdSchema,
  lines: z.array(statementLineSchema),
  entries: z.array(statementEntrySchema),
})
export type Statement = z.output<typeof statementSchema>

export interface StatementTotals {
  readonly amount: bigint
  readonly fee: bigint
  readonly earned: bigint
}

export interface StatementCheck {
  readonly totals: StatementTotals
  /** One sentence for everything that does not add up: none, or the statement is wrong. */
  readonly faults: readonly string[]
}

/**
 * Adds a statement up and holds its receipts against its entries, line by line: each receipt named once, paid by an entry of the
 * statement; each entry worth its receipts less their fees; opening and entries come to closing. Needs nobody.
 */
export const checkStatement = ({ opening, closing, lines, entries, from, to }: Statement): StatementCheck => {
  const faults: string[] = []
  const receipts = new Set<string>()
  const lined = new Map<string, bigint>()
  const totals = { amount: 0n, fee: 0n, earned: 0n }
  for (const { receipt, at, amount, fee, entry } of lines) {
    const earned = amount - fee
    totals.amount += amount
    totals.fee += fee
    totals.earned += earned
    if (receipts.has(receipt)) faults.push(`Receipt ${receipt} is there twice.`)
    receipts.add(receipt)
    if (at < from || at >= to) faults.push(`Receipt ${receipt} is not of this period.`)
    if (entry === null) {
      if (earned !== 0n) faults.push(`Receipt ${receipt} over ${formatUsd(amount)} names no entry that pays it.`)
    } else lined.set(entry, (lined.get(entry) ?? 0n) + earned)
  }
  let moved = 0n
  const known = new Set<string>()
  for (const { entry, kind, earned } of entries) {
    moved += earned
    if (known.has(entry)) faults.push(`Entry ${entry} is there twice.`)
    known.add(entry)
    const due = lined.get(entry) ?? 0n
    if (due !== earned) {
      faults.push(
        `The ${kind} ${entry} moved ${formatUsd(earned)}, but its receipts less fees come to ${formatUsd(due)}.`,
      )
    }
  }
  for (const [entry, due] of lined) {
    if (!known.has(entry)) faults.push(`Receipts over ${formatUsd(due)} name the entry ${entry}, which is not there.`)
  }
  if (opening + moved !== closing) {
    faults.push(
      `It opens with ${formatUsd(opening)} and moves ${formatUsd(moved)}, but closes with ${formatUsd(closing)}, not ${formatUsd(opening + moved)}.`,
    )
  }
  return { totals, faults }
}
