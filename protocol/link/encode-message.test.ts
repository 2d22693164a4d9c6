import { expect, test } from 'vitest'
import { decodeCanonical } from '../cbor/canonical.ts'
import { encodeMessage, plainFacts } from './encode-message.ts'

/** What JSON of a stranger may hold: an object, deeper than facts go, whose `toString` is no function. */
const deep = (value: unknown): unknown => {
  let nested = value
  for (let level = 0; level < 10; level++) nested = { in: nested }
  return nested
}

test.each([
  ['with a toString that is none', deep({ toString: 'x', valueOf: 1 })],
  ['without a prototype', deep(Object.create(null))],
  ['as a symbol', Symbol('x')],
  [
    'that throws when it is read as text',
    deep({
      toString: () => {
        throw new Error('no')
      },
    }),
  ],
])('facts %s become text', (_, fact) => {
  const facts = plainFacts({ fact })
  expect(() => JSON.stringify(facts)).not.toThrow()
  const problem = { code: 'internal', message: 'No.', facts: { fact }, fault: 'market', retry: 'never' } as const
  const attempt = 'job_01K5KRN0M0ABCDEFGHJKMNPQRT.0.1' as never
  const sent = decodeCanonical(encodeMessage({ type: 'failures', failures: [{ attempt, problem }] }))
  expect(sent).toMatchObject({ failures: [{ problem: { facts } }] })
})
