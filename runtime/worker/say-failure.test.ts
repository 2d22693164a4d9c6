import { expect, test } from 'vitest'
import { sayFailure } from './say-failure.ts'

const status = (code: number, message: string): Error =>
  new Error(`failed to call OrtRun(). ERROR_CODE: ${code}, ERROR_MESSAGE: ${message}`)

test.each([
  [status(6, 'std::bad_alloc'), 'run', 'memory', 'std::bad_alloc'],
  [status(2, 'Got invalid dimensions for input: x'), 'run', 'input', 'Got invalid dimensions for input: x'],
  [
    status(2, 'Non-zero status code returned while running Gather node.'),
    'run',
    'failed',
    'Non-zero status code returned while running Gather node.',
  ],
  [status(1, '/build/1/s/onnxruntime/core/graph/model.cc:203\n no'), 'load', 'refused', 'core/graph/model.cc:203 no'],
  [new WebAssembly.RuntimeError('divide result unrepresentable'), 'run', 'broken', 'divide result unrepresentable'],
  [new RangeError('Maximum call stack size exceeded'), 'run', 'broken', 'Maximum call stack size exceeded'],
] as const)('what the engine throws is told apart: %s while it %ss', (error, during, kind, detail) => {
  expect(sayFailure(error, during)).toEqual({ kind, detail })
})
