import { expect, test } from 'vitest'
import { toJson } from '../api/json.ts'
import { errorCodes, isErrorCode, type ErrorCode } from './error-codes.ts'
import { MusterError } from './muster-error.ts'
import { fromProblem, problemSchema, toProblem } from './problem.ts'
import { refuseTransition } from './refuse-transition.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]

test('an error has the fault and the retry of its code unless it knows better', () => {
  for (const code of codes) expect(new MusterError({ code, message: 'It failed.' })).toMatchObject(errorCodes[code])
  const better = new MusterError({
    code: 'timeout',
    message: 'It failed.',
    fault: 'provider',
    retry: 'never',
    retryAfterMs: 5,
  })
  expect(better).toMatchObject({ fault: 'provider', retry: 'never', retryAfterMs: 5 })
})

test('an error is the same after the wire', () => {
  const cause = new Error('inner')
  for (const code of codes) {
    const error = new MusterError({
      code,
      message: 'It failed.',
      facts: { where: 'here', count: 3 },
      retryAfterMs: 10,
      cause,
    })
    const again = fromProblem(problemSchema.parse(JSON.parse(toJson(toProblem(error)))))
    const { message, facts, fault, retry, retryAfterMs } = error
    expect(again).toMatchObject({ code, message, facts, fault, retry, retryAfterMs })
    expect(again.cause).toBeUndefined()
  }
})

test('what is no error of ours says that it is internal, and nothing else', () => {
  for (const thrown of [new Error('password is hunter2'), 'hunter2', null, undefined, { message: 'hunter2' }]) {
    const problem = toProblem(thrown)
    expect(problem).toMatchObject({ code: 'internal', fault: 'market', retry: 'later', facts: {} })
    expect(toJson(problem)).not.toContain('hunter2')
  }
})

test('a code of a later version becomes internal and keeps what it says', () => {
  const problem = problemSchema.parse({ code: 'tide_out', message: 'No water.', fault: 'machine', retry: 'later' })
  expect(fromProblem(problem)).toMatchObject({
    code: 'internal',
    message: 'No water.',
    fault: 'machine',
    retry: 'later',
  })
  expect(isErrorCode('constructor')).toBe(false)
})

test('a refused step says which machine, from where, and what it was asked', () => {
  expect(refuseTransition('lease', 'closed', 'suspected', { lease: 'x' })).toMatchObject({
    code: 'transition_refused',
    message: 'A lease that is closed cannot take the event suspected.',
    facts: { machine: 'lease', from: 'closed', event: 'suspected', lease: 'x' },
  })
})
