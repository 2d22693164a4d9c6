import { newId, outsideAccount, stakeAccount, tenantAccount, type EntryId } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { address, someId } from '../store/test-records.ts'
import { createBookDeposit, type Deposit } from './book-deposit.ts'

const setUp = () => {
  const world = createVirtualWorld()
  const store = createMemoryStore()
  const book = createBookDeposit({ world, store })
  const to = tenantAccount(someId('tenant'))
  const deposit = (amount: bigint, idempotencyKey?: EntryId, change: Partial<Deposit> = {}) =>
    book({ kind: 'deposit', to, amount, idempotencyKey, ...change })
  const key = () => newId(world, 'entry')
  const entries = async () => (await store.ledger.audit()).entries
  return { store, world, deposit, key, to, entries }
}

test('a deposit that is repeated with its key is booked once, at once or later', async () => {
  const { deposit, key, entries } = setUp()
  const used = key()
  expect(await Promise.all([deposit(5n, used), deposit(5n, used), deposit(5n, used)])).toEqual([5n, 5n, 5n])
  expect(await deposit(7n, key())).toBe(12n)
  expect(await deposit(5n, used)).toBe(12n)
  expect(await entries()).toBe(2)
})

test('a deposit without a key is booked each time', async () => {
  const { deposit } = setUp()
  expect([await deposit(5n), await deposit(5n)]).toEqual([5n, 10n])
})

test('a key is not taken for another amount, another account, nor another entry', async () => {
  const { deposit, key, store, entries, to } = setUp()
  const used = key()
  await deposit(5n, used)
  const conflict = { code: 'conflict', fault: 'tenant', retry: 'never' }
  await expect(deposit(6n, used)).rejects.toMatchObject(conflict)
  await expect(deposit(5n, used, { to: tenantAccount(someId('tenant')) })).rejects.toMatchObject(conflict)
  await expect(deposit(5n, used, { kind: 'stake', to: stakeAccount(address('1')) })).rejects.toMatchObject(conflict)
  expect(await entries()).toBe(1)
  expect(await store.ledger.balance(to)).toBe(5n)
})

test('deposits at once do not pass together what one alone may not', async () => {
  const { deposit, store } = setUp()
  const half = 2n ** 61n
  const outcomes = await Promise.allSettled([half, half, 1n, half].map((amount) => deposit(amount)))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  expect(outcomes[2]).toMatchObject({ reason: { code: 'request_invalid', facts: { found: '1' } } })
  expect(await store.ledger.balance(outsideAccount)).toBe(-(2n ** 62n))
})

test('what another node books first is not booked again', async () => {
  const { world, store, to, key } = setUp()
  const used = key()
  const one = createBookDeposit({ world, store })
  const other = createBookDeposit({ world, store })
  const deposit: Deposit = { kind: 'deposit', to, amount: 5n, idempotencyKey: used }
  expect(await Promise.all([one(deposit), other(deposit)])).toEqual([5n, 5n])
  expect(await store.ledger.balance(to)).toBe(5n)
})
