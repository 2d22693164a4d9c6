import { expect, test } from 'vitest'
import { isAmount, sayAmounts } from './say-amounts.ts'

test.each([
  [
    'None of 10 offers fits; the nearest fails price: expected at most 1 nano-dollars, found 125.',
    'None of 10 offers fits; the nearest fails price: expected at most $0.000000001, found $0.000000125.',
  ],
  [
    'expected at least 3000 nano-dollars, what all tasks may cost, found 2000 (and 2 more)',
    'expected at least $0.000003, what all tasks may cost, found $0.000002 (and 2 more)',
  ],
  ['at most 2500000000 nano-dollars', 'at most $2.50'],
  ['expected 5 nano-dollars. Then 7 were found 8.', 'expected $0.000000005. Then 7 were found 8.'],
  ['2 slots, found 8', '2 slots, found 8'],
  ['123456789012345678901 nano-dollars', '123456789012345678901 nano-dollars'],
])('%s', (text, said) => {
  expect(sayAmounts(text)).toBe(said)
})

test.each([
  ['insufficient_funds', 'expected', '5', true],
  ['insufficient_funds', 'account', 'tenant:x', false],
  ['spec_invalid', 'expected', '5', false],
  ['spec_invalid', 'ceiling', 5n, true],
  ['internal', 'amount', 'much', false],
  ['internal', 'amount', 0.5, false],
])('of %s the fact %s %s is an amount: %s', (code, name, value, is) => {
  expect(isAmount(code, name, value)).toBe(is)
})
