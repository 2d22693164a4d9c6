import type { Dtype } from './dtype.ts'

/** One array type per element width and kind; `bool` is one byte of 0 or 1, `float16` its 16 bits. */
export interface TensorArrays {
  float32: Float32Array
  uint8: Uint8Array
  int8: Int8Array
  uint16: Uint16Array
  int16: Int16Array
  int32: Int32Array
  int64: BigInt64Array
  bool: Uint8Array
  float16: Uint16Array
  float64: Float64Array
  uint32: Uint32Array
  uint64: BigUint64Array
}

/** What a tensor blob says before its elements. */
export interface TensorHeader {
  readonly dtype: Dtype
  /** Extent of each axis, at most 8 of them; an empty list is a scalar. */
  readonly dims: readonly number[]
}

interface TensorOf<D extends Dtype> extends TensorHeader {
  readonly dtype: D
  /** Elements in row-major order. */
  readonly data: TensorArrays[D]
}

export type Tensor = { [D in Dtype]: TensorOf<D> }[Dtype]
export type TensorData = TensorArrays[Dtype]

const arrays: { [D in Dtype]: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TensorArrays[D] } = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
}

/** A view of `length` elements; the offset must be a multiple of the element's size. */
export const viewElements = <D extends Dtype>(
  dtype: D,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TensorArrays[D] => new arrays[dtype](buffer, byteOffset, length)

/** Number of elements, or Infinity where the product leaves the safe integers. */
export const elementCount = (dims: readonly number[]): number => {
  if (dims.includes(0)) return 0
  const count = dims.reduce((product, dim) => product * dim, 1)
  return Number.isSafeInteger(count) ? count : Infinity
}
