import { z } from 'zod'
import { idSchema, type EntryId } from '../id/id.ts'
import type { NanoUsd } from '../money/money.ts'
import type { AccountName } from './account.ts'

export const entryKinds = [
  'deposit',
  'escrow',
  'payment',
  'refund',
  'bond',
  'bond-return',
  'stake',
  'reversal',
  'goodwill',
] as const
export type EntryKind = (typeof entryKinds)[number]

/** One side of an entry: positive into the account, negative out of it. */
export interface Leg {
  readonly account: AccountName
  readonly amount: NanoUsd
}

/** Why an entry was made by hand: which job it is for, the receipt it gives back, where it is one, and a sentence. */
export const entryNoteSchema = z.strictObject({
  job: idSchema('job'),
  receipt: idSchema('receipt').nullable(),
  /** The receipt that reverses it. */
  reversal: idSchema('receipt').nullable(),
  reason: z.string(),
  /** What the caller sent so that a repeated call is known. */
  key: idSchema('entry').nullable(),
})
export type EntryNote = z.output<typeof entryNoteSchema>

/** A fact of the double-entry ledger; its legs sum to zero. */
export interface LedgerEntry {
  readonly id: EntryId
  readonly kind: EntryKind
  readonly legs: readonly Leg[]
  readonly at: number
  readonly note?: EntryNote
}

export interface TransferInput {
  readonly id: EntryId
  readonly kind: EntryKind
  readonly from: AccountName
  readonly to: AccountName
  readonly amount: NanoUsd
  readonly at: number
}

/** The entry that moves an amount of zero or more between two accounts. Throws `RangeError` on a negative amount. */
export const transfer = ({ id, kind, from, to, amount, at }: TransferInput): LedgerEntry => {
  if (amount < 0n) throw new RangeError(`entry ${id} would move a negative amount`)
  const legs = [
    { account: from, amount: -amount },
    { account: to, amount },
  ]
  return { id, kind, legs, at }
}
