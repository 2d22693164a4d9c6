import { MusterError } from '@muster/protocol'
import { canonicalizeNan } from './canonical-nan.ts'
import { dtypeSize, type Dtype } from './dtype.ts'
import { layTensorHead, maxRank } from './tensor-layout.ts'
import { elementCount } from './tensor.ts'

export interface EncodableTensor {
  readonly dtype: Dtype
  readonly dims: readonly number[]
  /** Elements in row-major order, in any array whose elements have the width of `dtype`. */
  readonly data: ArrayBufferView
}

/**
 * The blob of a tensor, as docs/spec/tensor.md lays it out: its SHA-256 is the tensor's digest. Copies the elements and
 * writes NaNs canonically. Throws `tensor_invalid` where rank, extents or length do not fit.
 */
export const encodeTensor = (tensor: EncodableTensor): Uint8Array<ArrayBuffer> => {
  const { dtype, dims, data } = tensor
  if (dims.length > maxRank || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) {
    throw new MusterError({
      code: 'tensor_invalid',
      message: `A tensor has at most ${maxRank} axes, each of a whole extent of 0 or more.`,
      facts: { path: 'dims', expected: `up to ${maxRank} whole numbers`, found: [...dims] },
    })
  }
  const dataBytes = elementCount(dims) * dtypeSize(dtype)
  if (data.byteLength !== dataBytes) {
    throw new MusterError({
      code: 'tensor_invalid',
      message: `The elements do not fill the shape [${dims.join(', ')}] of ${dtype}.`,
      facts: { path: 'data', expected: `${dataBytes} bytes`, found: `${data.byteLength} bytes` },
    })
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (dtype === 'bool' && bytes.some((byte) => byte > 1)) {
    throw new MusterError({
      code: 'tensor_invalid',
      message: 'A bool is one byte of 0 or 1.',
      facts: { path: 'data', expected: '0 or 1', found: bytes.find((byte) => byte > 1) },
    })
  }
  const head = layTensorHead(dtype, dims)
  const blob = new Uint8Array(head.length + dataBytes)
  blob.set(head)
  blob.set(bytes, head.length)
  canonicalizeNan(dtype, blob.subarray(head.length))
  return blob
}
