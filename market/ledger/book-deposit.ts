import {
  formatUsd,
  MusterError,
  newId,
  outsideAccount,
  transfer,
  type AccountName,
  type EntryId,
  type LedgerEntry,
  type NanoUsd,
  type World,
} from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface Deposit {
  readonly kind: 'deposit' | 'stake'
  readonly to: AccountName
  readonly amount: NanoUsd
  /** The id of the entry, sent again with a call that is repeated: it is booked once. */
  readonly idempotencyKey: EntryId | undefined
}

export interface BookDepositModules {
  readonly world: World
  readonly store: Store
}

/**
 * Books money received: the balance after it. One at a time, so that two never pass the bound together.
 * Rejects `request_invalid` past what a market can hold, `conflict` for a key that was used with another deposit.
 */
export type BookDeposit = (deposit: Deposit) => Promise<NanoUsd>

/** What all deposits together may come to: sums of it are within the range of amounts, so no balance leaves it. */
const maxDeposited: NanoUsd = 2n ** 62n

const tooMuch = (amount: NanoUsd): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `This deposit of ${formatUsd(amount)} would be more money than a market can hold (${formatUsd(maxDeposited)} in all). Nothing was booked.`,
    facts: { expected: `at most ${maxDeposited} in all`, found: amount.toString() },
  })

const otherDeposit = (key: EntryId): MusterError =>
  new MusterError({
    code: 'conflict',
    message: 'This idempotency key was used with another deposit; take a new one. Nothing was booked.',
    facts: { key },
    retry: 'never',
  })

const isBooked = (error: unknown): boolean => error instanceof MusterError && error.code === 'transition_refused'

export const createBookDeposit = ({ world, store }: BookDepositModules): BookDeposit => {
  let last: Promise<unknown> = Promise.resolve()

  /** Whether the deposit was booked before, with its key. */
  const isKnown = async ({ kind, to, amount, idempotencyKey }: Deposit): Promise<boolean> => {
    if (idempotencyKey === undefined) return false
    const known = await store.ledger.entry(idempotencyKey)
    if (known === undefined) return false
    const isSame = known.kind === kind && known.legs.some((leg) => leg.account === to && leg.amount === amount)
    if (!isSame) throw otherDeposit(idempotencyKey)
    return true
  }

  const commit = async (deposit: Deposit, entry: LedgerEntry): Promise<void> => {
    try {
      await store.commit({ entries: [entry] })
    } catch (error) {
      // Another node may have booked it since.
      if (!isBooked(error) || !(await isKnown(deposit))) throw error
    }
  }

  const book = async (deposit: Deposit): Promise<NanoUsd> => {
    const { kind, to, amount, idempotencyKey } = deposit
    if (!(await isKnown(deposit))) {
      const outside = await store.ledger.balance(outsideAccount)
      if (outside - amount < -maxDeposited) throw tooMuch(amount)
      const id = idempotencyKey ?? newId(world, 'entry')
      await commit(deposit, transfer({ id, kind, from: outsideAccount, to, amount, at: world.now() }))
    }
    return store.ledger.balance(to)
  }

  return (deposit) => {
    const booking = last.then(() => book(deposit))
    last = booking.catch(() => {})
    return booking
  }
}
