import { decodeTensor, dtypes, dtypeSize, encodeTensor } from '@muster/sdk'
import { describe, expect, test } from 'vitest'
import { fromValues } from './from-values.ts'
import { readNpy, writeNpy } from './npy.ts'

describe('npy', () => {
  test.each(dtypes.map((dtype) => [dtype]))('a tensor of %s comes back the same', (dtype) => {
    const data = new Uint8Array(6 * dtypeSize(dtype)).fill(1)
    for (const dims of [[6], [2, 3], [1, 6, 1]]) {
      const blob = encodeTensor({ dtype, dims, data })
      const file = writeNpy(decodeTensor(blob))
      expect(file.length % 64).toBe((6 * dtypeSize(dtype)) % 64)
      expect(encodeTensor(readNpy(file))).toEqual(blob)
    }
  })

  test('a scalar has the empty shape', () => {
    const blob = encodeTensor({ dtype: 'float64', dims: [], data: Float64Array.of(2.5) })
    expect(encodeTensor(readNpy(writeNpy(decodeTensor(blob))))).toEqual(blob)
  })

  const file = (header: string) => {
    const bytes = new Uint8Array(10 + header.length)
    bytes.set([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0])
    bytes.set(Buffer.from(header), 10)
    return bytes
  }

  test.each([
    ["{'descr': '>f4', 'fortran_order': False, 'shape': (0,), }", '>f4'],
    ["{'descr': '<f4', 'fortran_order': True, 'shape': (0,), }", 'Fortran order'],
    ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,), }", 'a structured type'],
    ["{'descr': '<U8', 'fortran_order': False, 'shape': (0,), }", '<U8'],
  ])('%s is refused', (header, found) => {
    expect(() => readNpy(file(header))).toThrow(found)
  })

  test('anything else is refused', () => {
    expect(() => readNpy(new Uint8Array(4))).toThrow('tensor')
  })
})

test('numbers become elements of each type', () => {
  for (const dtype of dtypes) {
    const { data } = decodeTensor(encodeTensor(fromValues(dtype, [0, 1, 1], [3])))
    expect(Array.from(data as ArrayLike<number | bigint>, Number)).toEqual(
      dtype === 'float16' ? [0, 0x3c00, 0x3c00] : [0, 1, 1],
    )
  }
})
