import { findForeignNan } from './canonical-nan.ts'
import { dtypeNumber, dtypeOfNumber, dtypeSize, type Dtype } from './dtype.ts'
import { elementCount, viewElements, type Tensor, type TensorHeader } from './tensor.ts'

const magic = 0x314e_544d

/** Most axes a tensor may have. */
export const maxRank = 8

/** What makes bytes no tensor blob. */
export interface Malformation {
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** The bytes of a blob before its elements: `8 + 8 × rank` of them. */
export const layTensorHead = (dtype: Dtype, dims: readonly number[]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(8 + 8 * dims.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint8(4, dtypeNumber(dtype))
  view.setUint8(5, dims.length)
  dims.forEach((dim, axis) => view.setBigUint64(8 + 8 * axis, BigInt(dim), true))
  return bytes
}

const wrong = (path: string, expected: string, found: string | number): Malformation => ({
  path,
  expected,
  found: String(found),
})

/**
 * Element type and extents of a blob whose length is exactly theirs; the elements are not looked at, so the first
 * bytes of a blob of `length` bytes will do.
 */
export const parseTensorHead = (blob: Uint8Array, length = blob.length): TensorHeader | Malformation => {
  if (blob.length < 8) return wrong('length', 'at least 8 bytes', `${blob.length} bytes`)
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  if (view.getUint32(0, true) !== magic) return wrong('magic', 'MTN1', hex(blob.subarray(0, 4)))
  const dtype = dtypeOfNumber(view.getUint8(4))
  if (dtype === undefined) return wrong('dtype', 'an ONNX element type a blob can hold', view.getUint8(4))
  const rank = view.getUint8(5)
  if (rank > maxRank) return wrong('rank', `at most ${maxRank}`, rank)
  if (view.getUint16(6, true) !== 0) return wrong('reserved', 'two zero bytes', hex(blob.subarray(6, 8)))
  const headBytes = 8 + 8 * rank
  if (blob.length < headBytes) return wrong('length', `at least ${headBytes} bytes`, `${blob.length} bytes`)
  const dims: number[] = []
  for (let axis = 0; axis < rank; axis++) {
    const dim = view.getBigUint64(8 + 8 * axis, true)
    if (dim > BigInt(Number.MAX_SAFE_INTEGER)) return wrong(`dims[${axis}]`, 'below 2^53', dim.toString())
    dims.push(Number(dim))
  }
  const expected = headBytes + elementCount(dims) * dtypeSize(dtype)
  if (length === expected) return { dtype, dims }
  return wrong('length', `${expected} bytes for ${dtype} [${dims.join(', ')}]`, `${length} bytes`)
}

/**
 * A blob as a tensor. The elements are a view of it where its place in memory allows, else a copy. Anything but what
 * `encodeTensor` writes is malformed, so that a tensor has one blob.
 */
export const parseTensor = (blob: Uint8Array): Tensor | Malformation => {
  const head = parseTensorHead(blob)
  if ('expected' in head) return head
  const { dtype, dims } = head
  const headBytes = 8 + 8 * dims.length
  const isAligned = (blob.byteOffset + headBytes) % dtypeSize(dtype) === 0
  const bytes = isAligned ? blob.subarray(headBytes) : blob.slice(headBytes)
  if (dtype === 'bool') {
    const at = bytes.findIndex((byte) => byte > 1)
    if (at !== -1) return wrong(`data[${at}]`, 'a bool of 0 or 1', bytes[at] ?? 0)
  }
  const foreign = findForeignNan(dtype, bytes)
  if (foreign !== -1) return wrong(`data[${foreign}]`, 'NaN in canonical form', 'another NaN')
  const data = viewElements(dtype, bytes.buffer, bytes.byteOffset, bytes.length / dtypeSize(dtype))
  return { dtype, dims, data } as Tensor
}

const hex = (bytes: Uint8Array): string =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
