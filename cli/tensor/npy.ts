import { MusterError, type Dtype, type EncodableTensor, type Tensor } from '@muster/sdk'

const magic = '\u0093NUMPY'

const descriptors: Readonly<Record<string, Dtype>> = {
  '<f4': 'float32',
  '|u1': 'uint8',
  '|i1': 'int8',
  '<u2': 'uint16',
  '<i2': 'int16',
  '<i4': 'int32',
  '<i8': 'int64',
  '|b1': 'bool',
  '<f2': 'float16',
  '<f8': 'float64',
  '<u4': 'uint32',
  '<u8': 'uint64',
}

const refuse = (expected: string, found: string): MusterError =>
  new MusterError({
    code: 'tensor_invalid',
    message: `This .npy file cannot be a tensor: expected ${expected}, found ${found}.`,
    facts: { expected, found },
  })

export const isNpy = (bytes: Uint8Array): boolean =>
  [...magic].every((character, index) => bytes[index] === character.charCodeAt(0))

/** A NumPy array (format 1 to 3, C order, little-endian) as a tensor. Throws `tensor_invalid`. */
export const readNpy = (bytes: Uint8Array): EncodableTensor => {
  if (!isNpy(bytes) || bytes.length < 12) throw refuse('a .npy file', 'something else')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isLong = view.getUint8(6) >= 2
  const start = isLong ? 12 : 10
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true)
  const header = new TextDecoder().decode(bytes.subarray(start, start + length))
  const descriptor = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? 'a structured type'
  const dtype = descriptors[descriptor]
  if (dtype === undefined) throw refuse('little-endian numbers or bools', descriptor)
  if (!/'fortran_order':\s*False/.test(header)) throw refuse('C order', 'Fortran order')
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
  if (shape === undefined) throw refuse('a shape', header.trim())
  const dims = shape
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number)
  return { dtype, dims, data: bytes.subarray(start + length) }
}

/** A tensor as a .npy file, format 1. */
export const writeNpy = ({ dtype, dims, data }: Tensor): Uint8Array => {
  const descriptor = Object.entries(descriptors).find(([, one]) => one === dtype)?.[0] ?? ''
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`
  const text = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': ${shape}, }`
  const padded = `${text}${' '.repeat(63 - ((10 + text.length) % 64))}\n`
  const head = new Uint8Array(10 + padded.length)
  for (let index = 0; index < magic.length; index++) head[index] = magic.charCodeAt(index)
  head[6] = 1
  new DataView(head.buffer).setUint16(8, padded.length, true)
  head.set(new TextEncoder().encode(padded), 10)
  const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const file = new Uint8Array(head.length + elements.length)
  file.set(head)
  file.set(elements, head.length)
  return file
}
