// Makes the files beside it again: a model that squares two numbers, and inputs in each form a job file knows.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { buildModelBytes, encodeTensor } from '@muster/graph'

export const firstJobFiles = (): Readonly<Record<string, Uint8Array>> => {
  const value = (name: string) => ({ name, dtype: 'float32' as const, dims: [2] })
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }`.padEnd(117)
  const npy = Buffer.from(`\u0093NUMPY\u0001\u0000\u0076\u0000${head}\n`, 'latin1')
  const numbers = (a: number, b: number) => Buffer.from(Float32Array.of(a, b).buffer)
  return {
    'square.onnx': buildModelBytes({
      nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
      inputs: [value('x')],
      outputs: [value('y')],
    }),
    'first.tensor': encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) }),
    'second.npy': Buffer.concat([npy, numbers(5, 6)]),
    'third.raw': numbers(7, 8),
  }
}

if (import.meta.main) {
  for (const [name, bytes] of Object.entries(firstJobFiles()))
    writeFileSync(path.join(import.meta.dirname, name), bytes)
}
