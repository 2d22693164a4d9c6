import { readFileSync } from 'node:fs'
import { fromHex, MusterError, parseCid, toHex, type Hex } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeTensor, readTensorHeader } from './decode-tensor.ts'
import { dtypes, dtypeSize, isDtype, type Dtype } from './dtype.ts'
import { encodeTensor } from './encode-tensor.ts'
import { tensorDigest } from './tensor-digest.ts'
import { elementCount } from './tensor.ts'

interface Vector {
  readonly name: string
  readonly dtype: string
  readonly dims: readonly number[]
  /** The elements as they lie in memory, before NaNs are made canonical. */
  readonly elements: Hex
  readonly blob: Hex
  readonly cid: string
}

const spec = readFileSync(new URL('../../docs/spec/tensor.md', import.meta.url), 'utf8')
const [, block = '[]'] = /```json\n([^]*?)```/.exec(spec) ?? []
const vectors = JSON.parse(block) as readonly Vector[]

const refusalOf = (run: () => unknown): MusterError => {
  try {
    run()
  } catch (error) {
    if (error instanceof MusterError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** Any tensor: its elements are any bits, and of a bool 0 or 1. */
const anyTensor = fc
  .record({ dtype: fc.constantFrom(...dtypes), dims: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain(({ dtype, dims }) => {
    const byteCount = elementCount(dims) * dtypeSize(dtype)
    return fc
      .uint8Array({ minLength: byteCount, maxLength: byteCount, max: dtype === 'bool' ? 1 : 255 })
      .map((data) => ({ dtype, dims, data }))
  })

const nanBits: Partial<Record<Dtype, readonly [readonly number[], readonly number[]]>> = {
  float32: [
    [0x01, 0x00, 0x80, 0xff],
    [0x00, 0x00, 0xc0, 0x7f],
  ],
  float64: [
    [0x01, 0, 0, 0, 0, 0, 0xf0, 0x7f],
    [0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
  ],
  float16: [
    [0x01, 0xfc],
    [0x00, 0x7e],
  ],
}

describe('a tensor blob', () => {
  test.each(vectors)('is laid out as the spec says: $name', ({ dtype, dims, elements, blob, cid }) => {
    if (!isDtype(dtype)) throw new Error(`${dtype} is no element type`)
    const tensor = { dtype, dims, data: fromHex(elements) }
    expect(toHex(encodeTensor(tensor))).toBe(blob)
    expect(tensorDigest(tensor)).toBe(parseCid(cid))
    expect(toHex(encodeTensor(decodeTensor(fromHex(blob))))).toBe(blob)
  })

  test('has vectors for every element type', () => {
    expect(new Set(vectors.map(({ dtype }) => dtype))).toEqual(new Set(dtypes))
  })

  test('survives a round trip, wherever it lies in memory', () => {
    fc.assert(
      fc.property(anyTensor, fc.nat(9), (tensor, offset) => {
        const blob = encodeTensor(tensor)
        const moved = new Uint8Array(blob.length + offset).subarray(offset)
        moved.set(blob)
        const decoded = decodeTensor(moved)
        expect(decoded.dtype).toBe(tensor.dtype)
        expect(decoded.dims).toEqual(tensor.dims)
        expect(encodeTensor(decoded)).toEqual(blob)
        expect(readTensorHeader(moved)).toEqual({ dtype: tensor.dtype, dims: tensor.dims })
      }),
    )
  })

  test('is the only one of its tensor: what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(anyTensor, fc.nat(), fc.integer({ min: 1, max: 255 }), (tensor, place, change) => {
        const blob = encodeTensor(tensor)
        const at = place % blob.length
        blob[at] = (blob[at] ?? 0) ^ change
        try {
          expect(encodeTensor(decodeTensor(blob))).toEqual(blob)
        } catch (error) {
          expect(error).toMatchObject({ code: 'tensor_invalid' })
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('any other bytes are refused, never misread', () => {
    const head = fc
      .tuple(fc.constantFrom(...dtypes.keys()), fc.nat(12))
      .map(([type, rank]) => [0x4d, 0x54, 0x4e, 0x31, type, rank, 0, 0])
    fc.assert(
      fc.property(fc.oneof(fc.constant([]), head), fc.uint8Array({ maxLength: 40 }), (start, rest) => {
        const blob = Uint8Array.from([...start, ...rest])
        try {
          expect(encodeTensor(decodeTensor(blob))).toEqual(blob)
        } catch (error) {
          expect(error).toMatchObject({ code: 'tensor_invalid' })
        }
      }),
      { numRuns: 2000 },
    )
  })

  test.each(Object.entries(nanBits))(
    'writes every NaN of %s in one form and refuses the others',
    (dtype, [foreign, canonical]) => {
      if (!isDtype(dtype)) throw new Error(dtype)
      const blob = encodeTensor({ dtype, dims: [1], data: Uint8Array.from(foreign) })
      expect([...blob.subarray(16)]).toEqual(canonical)
      blob.set(foreign, 16)
      expect(refusalOf(() => decodeTensor(blob)).facts).toMatchObject({ path: 'data[0]' })
    },
  )

  test('keeps infinities and negative zero', () => {
    const data = Float32Array.of(Infinity, -Infinity, -0, 0)
    const decoded = decodeTensor(encodeTensor({ dtype: 'float32', dims: [4], data }))
    expect(decoded.data).toEqual(data)
  })

  test.each([
    ['magic', { 0: 0 }],
    ['dtype', { 4: 8 }],
    ['rank', { 5: 9 }],
    ['reserved', { 6: 1 }],
    ['dims[0]', { 15: 0xff }],
    ['length', { 8: 3 }],
    ['data[1]', { 17: 2 }],
  ])('says that its %s is wrong', (path, changes) => {
    const blob = encodeTensor({ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) })
    for (const [at, byte] of Object.entries(changes)) blob[Number(at)] = byte
    expect(refusalOf(() => decodeTensor(blob))).toMatchObject({
      code: 'tensor_invalid',
      fault: 'tenant',
      facts: { path },
    })
  })

  test('of extents whose product overflows is refused', () => {
    const blob = encodeTensor({ dtype: 'uint8', dims: [1, 1, 1], data: Uint8Array.of(7) })
    for (const axis of [0, 1, 2]) blob.set([0, 0, 0, 0, 0, 0, 1], 8 + 8 * axis)
    expect(refusalOf(() => decodeTensor(blob)).facts).toMatchObject({ path: 'length' })
  })

  test('is not made of elements that do not fit', () => {
    const data = Float32Array.of(1, 2, 3)
    expect(refusalOf(() => encodeTensor({ dtype: 'float32', dims: [2, 2], data })).facts).toMatchObject({
      expected: '16 bytes',
      found: '12 bytes',
    })
    expect(refusalOf(() => encodeTensor({ dtype: 'float32', dims: [1.5], data })).facts).toMatchObject({ path: 'dims' })
    expect(refusalOf(() => encodeTensor({ dtype: 'bool', dims: [1], data: Uint8Array.of(2) })).facts).toMatchObject({
      path: 'data',
    })
  })
})
