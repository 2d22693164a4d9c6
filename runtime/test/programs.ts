import { buildModelBytes, decodeTensor, encodeTensor, type EncodableTensor, type ModelInput } from '@muster/graph'
import type { ProgramSource, RunResult } from '../pool/run-request.ts'
import { endlessModel } from './endless-model.ts'

export const source = (cid: string, model: ModelInput): ProgramSource => ({
  cid,
  model: () => Promise.resolve(buildModelBytes(model)),
})

export const ints = (...values: readonly number[]): EncodableTensor => ({
  dtype: 'int32',
  dims: [values.length],
  data: Int32Array.from(values),
})

export const blobs = (tensors: Readonly<Record<string, EncodableTensor>>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(tensors).map(([name, tensor]) => [name, encodeTensor(tensor)]))

export const intList = (name: string) => ({ name, dtype: 'int32', dims: ['n'] }) as const

export const outputOf = (result: RunResult, name: string): unknown => {
  const { dtype, dims, data } = decodeTensor(result.outputs.get(name) ?? new Uint8Array(0))
  return { dtype, dims, data: [...data] }
}

export const identity = source('identity', {
  nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  inputs: [intList('x')],
  outputs: [intList('y')],
})

/** Divides; the smallest integer divided by -1 makes the engine trap. */
export const division = source('division', {
  nodes: [{ op: 'Div', inputs: ['a', 'b'], outputs: ['quotient'] }],
  inputs: [intList('a'), intList('b')],
  outputs: [intList('quotient')],
})
export const crashing = blobs({ a: ints(-(2 ** 31)), b: ints(-1) })

export const zeros = source('zeros', {
  nodes: [{ op: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] }],
  inputs: [{ name: 'shape', dtype: 'int64', dims: ['rank'] }],
  outputs: [{ name: 'zeros', dtype: 'float32', dims: ['rows', 'columns'] }],
})
export const shape = (...dims: readonly bigint[]): ReadonlyMap<string, Uint8Array> =>
  blobs({ shape: { dtype: 'int64', dims: [dims.length], data: BigInt64Array.from(dims) } })

export const endless = { cid: 'endless', model: () => Promise.resolve(endlessModel()) }
export const one = blobs({ x: ints(1) })
