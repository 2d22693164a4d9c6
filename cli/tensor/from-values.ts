import type { Dtype, EncodableTensor } from '@muster/sdk'

const toHalf = (value: number): number => {
  const [bits = 0] = new Uint16Array(Float16Array.of(value).buffer)
  return bits
}

/** Elements written out as numbers, in an array of their type. Whole types take only whole numbers: the caller has checked. */
export const fromValues = (dtype: Dtype, values: readonly number[], dims: readonly number[]): EncodableTensor => {
  const numbers = [...values]
  const arrays: Record<Dtype, () => ArrayBufferView> = {
    float32: () => Float32Array.from(numbers),
    float64: () => Float64Array.from(numbers),
    float16: () => Uint16Array.from(numbers.map(toHalf)),
    int8: () => Int8Array.from(numbers),
    int16: () => Int16Array.from(numbers),
    int32: () => Int32Array.from(numbers),
    int64: () => BigInt64Array.from(numbers.map((value) => BigInt(value))),
    uint8: () => Uint8Array.from(numbers),
    uint16: () => Uint16Array.from(numbers),
    uint32: () => Uint32Array.from(numbers),
    uint64: () => BigUint64Array.from(numbers.map((value) => BigInt(value))),
    bool: () => Uint8Array.from(numbers.map((value) => (value === 0 ? 0 : 1))),
  }
  return { dtype, dims, data: arrays[dtype]() }
}
