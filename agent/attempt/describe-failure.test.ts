import { encodeCanonical, MusterError } from '@muster/protocol'
import { expect, test } from 'vitest'
import { describeFailure } from './describe-failure.ts'

test('facts become what has a canonical form, of bounded size', () => {
  const deep: unknown[] = []
  deep.push(deep)
  const facts = {
    half: 0.5,
    zero: -0,
    big: 2n ** 70n,
    text: 'x'.repeat(5000),
    none: undefined,
    list: Array.from({ length: 1000 }, (_, index) => index),
    deep,
    call: () => {},
  }
  const problem = describeFailure(new MusterError({ code: 'program_crashed', message: 'm'.repeat(5000), facts }))
  expect(encodeCanonical(problem).length).toBeLessThan(10_000)
  expect(problem.facts).toMatchObject({ half: '0.5', big: String(2n ** 70n), none: 'undefined', call: 'function' })
})

test('an error that is not ours says that the machine failed, and nothing else', () => {
  const problem = describeFailure(new Error('ENOENT: /home/owner/secret'))
  expect(problem).toMatchObject({ code: 'workload_failed', fault: 'machine', retry: 'now', facts: {} })
  expect(JSON.stringify(problem)).not.toContain('secret')
})
