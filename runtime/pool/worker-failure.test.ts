import { expect, test } from 'vitest'
import { guardMark } from '../worker/guard-mark.ts'
import { exitFailure } from './worker-failure.ts'

const context = { program: 'bafk', memoryBytes: 2 ** 30 }

test.each([
  ['a signal of its own', { code: null, signal: 'SIGSEGV', stderr: '' }, true, 'program_crashed', 'program'],
  ['an exit code', { code: 134, signal: null, stderr: '' }, true, 'program_crashed', 'program'],
  ['the guard', { code: null, signal: 'SIGKILL', stderr: `${guardMark} 9999\n` }, true, 'program_memory', 'program'],
  [
    'a full heap',
    { code: null, signal: 'SIGABRT', stderr: 'JavaScript heap out of memory' },
    true,
    'program_memory',
    'program',
  ],
  ['a kill from outside', { code: null, signal: 'SIGKILL', stderr: '' }, true, 'workload_failed', 'machine'],
  ['a failed start', { code: 1, signal: null, stderr: 'no' }, false, 'workload_failed', 'machine'],
] as const)('a process that ended by %s is put down to whom it belongs', (_, exit, wasReady, code, fault) => {
  expect(exitFailure(exit, context, wasReady)).toMatchObject({ code, fault })
})
