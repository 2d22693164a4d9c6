import { describe, expect, test } from 'vitest'
import { encodeTensor } from '../tensor/encode-tensor.ts'
import { checkInputs, requireInputs } from './check-inputs.ts'

const program = {
  inputs: [
    { name: 'image', dtype: 'float32', dims: ['n', 3, 'side', 'side'] },
    { name: 'mask', dtype: 'bool', dims: ['n', ''] },
    { name: 'any', dtype: 'int64', dims: null },
  ],
} as const

const floats = (dims: readonly number[]): Uint8Array =>
  encodeTensor({ dtype: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) })

const fitting = new Map<string, Uint8Array>([
  ['image', floats([2, 3, 4, 4])],
  ['mask', encodeTensor({ dtype: 'bool', dims: [2, 5], data: new Uint8Array(10) })],
  ['any', encodeTensor({ dtype: 'int64', dims: [], data: BigInt64Array.of(1n) })],
])

describe('inputs', () => {
  test('that fit have no problems', () => {
    expect(checkInputs(program, fitting)).toEqual([])
    expect(() => requireInputs(program, fitting)).not.toThrow()
  })

  test('are checked by their headers as well as by their blobs', () => {
    const headers = new Map<string, Uint8Array | { dtype: 'float32'; dims: number[] }>([...fitting])
    headers.set('image', { dtype: 'float32', dims: [3, 3, 4, 4] })
    expect(checkInputs(program, headers)).toEqual([
      { path: 'inputs.mask.dims[0]', expected: '3 ("n", as in inputs.image.dims[0])', found: '2' },
    ])
  })

  test('that do not fit are told all their problems at once', () => {
    const tensors = new Map(fitting)
    tensors.set('image', floats([2, 1, 4, 5]))
    tensors.set('mask', floats([2]))
    tensors.delete('any')
    tensors.set('extra', floats([1]))
    const problems = [
      { path: 'inputs.image.dims[1]', expected: '3', found: '1' },
      { path: 'inputs.image.dims[3]', expected: '4 ("side", as in inputs.image.dims[2])', found: '5' },
      { path: 'inputs.mask.dtype', expected: 'bool', found: 'float32' },
      { path: 'inputs.mask.dims', expected: '[n, ]', found: '[2]' },
      { path: 'inputs.any', expected: 'a tensor of int64', found: 'nothing' },
      { path: 'inputs.extra', expected: 'one of image, mask, any', found: 'extra' },
    ]
    expect(checkInputs(program, tensors)).toEqual(problems)
    expect(() => requireInputs(program, tensors)).toThrow(
      expect.objectContaining({ code: 'tensor_invalid', facts: { problems } }),
    )
    expect(() => requireInputs(program, tensors)).toThrow('inputs.image.dims[1] should be 3, found 1, and 5 more')
  })

  test('that are no tensors are named', () => {
    const tensors = new Map(fitting).set('any', Uint8Array.of(1, 2, 3))
    expect(checkInputs(program, tensors)).toEqual([
      { path: 'inputs.any.length', expected: 'at least 8 bytes', found: '3 bytes' },
    ])
  })
})
