import { MusterError } from '@muster/protocol'
import { parseTensor, parseTensorHead, type Malformation } from './tensor-layout.ts'
import type { Tensor, TensorHeader } from './tensor.ts'

const refuse = ({ path, expected, found }: Malformation): MusterError =>
  new MusterError({
    code: 'tensor_invalid',
    message: `This is not a tensor blob: ${path} should be ${expected}, found ${found}.`,
    facts: { path, expected, found },
  })

/** `parseTensorHead`, throwing `tensor_invalid`. */
export const readTensorHeader = (blob: Uint8Array, length = blob.length): TensorHeader => {
  const head = parseTensorHead(blob, length)
  if ('expected' in head) throw refuse(head)
  return head
}

/** `parseTensor`, throwing `tensor_invalid`. */
export const decodeTensor = (blob: Uint8Array): Tensor => {
  const tensor = parseTensor(blob)
  if ('expected' in tensor) throw refuse(tensor)
  return tensor
}
