import { expect, test } from 'vitest'
import { MusterError } from '../error/muster-error.ts'
import { decodeProblem, encodeProblem } from './problem-body.ts'

test('an error comes back as it went', () => {
  const error = new MusterError({
    code: 'capacity_taken',
    message: 'All slots are taken.',
    facts: { free: 0, price: 5n, ratio: 0.5, missing: undefined },
    retryAfterMs: 100,
  })
  expect(decodeProblem(409, encodeProblem(error))).toMatchObject({
    code: 'capacity_taken',
    message: 'All slots are taken.',
    facts: { free: 0, price: '5', ratio: '0.5', missing: null },
    fault: 'provider',
    retry: 'later',
    retryAfterMs: 100,
  })
})

test('an error of another kind leaks nothing', () => {
  expect(new TextDecoder().decode(encodeProblem(new Error('secret')))).not.toContain('secret')
})

test.each(['', 'Bad gateway', '{}', '{"code":1}', '[]', 'null'])(
  'an answer of %j that holds no problem is unavailable',
  (body) => {
    expect(decodeProblem(502, new TextEncoder().encode(body))).toMatchObject({
      code: 'unavailable',
      facts: { status: 502 },
    })
  },
)

test('a code of a later version keeps its sentence', () => {
  const body = JSON.stringify({ code: 'new_code', message: 'News.', fault: 'market', retry: 'never' })
  expect(decodeProblem(400, new TextEncoder().encode(body))).toMatchObject({
    code: 'internal',
    message: 'News.',
    retry: 'never',
  })
})
