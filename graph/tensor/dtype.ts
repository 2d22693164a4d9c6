/** The element types a tensor blob may hold, with their number in ONNX's `TensorProto.DataType`. */
const numbers = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const

export type Dtype = keyof typeof numbers

const sizes: Record<Dtype, 1 | 2 | 4 | 8> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
}

export const dtypes = Object.keys(numbers) as readonly Dtype[]

const byNumber = new Map<number, Dtype>(dtypes.map((dtype) => [numbers[dtype], dtype]))

export const isDtype = (text: string): text is Dtype => Object.hasOwn(numbers, text)

/** ONNX's number for an element type. */
export const dtypeNumber = (dtype: Dtype): number => numbers[dtype]

/** The element type ONNX numbers so, or undefined where a tensor blob cannot hold it (text, bfloat16, 4-bit, …). */
export const dtypeOfNumber = (number: number): Dtype | undefined => byNumber.get(number)

/** Bytes of one element. */
export const dtypeSize = (dtype: Dtype): 1 | 2 | 4 | 8 => sizes[dtype]
