import type { ValueInfoProto } from '../generated/onnx_pb.ts'
import { dtypeOfNumber } from '../tensor/dtype.ts'
import { maxRank } from '../tensor/tensor-layout.ts'
import type { Dim, ValueDeclaration } from './declaration.ts'

/** A job names its blobs after a program's inputs and outputs, which bounds both. */
export const maxValues = 64
const maxNameLength = 256

/** Reads what a graph says of an input or output; the answer says why where a tensor blob cannot carry it. */
export const declareValue = (value: ValueInfoProto): ValueDeclaration | { readonly why: string } => {
  if (value.name === '' || value.name.length > maxNameLength) {
    return { why: `a name of ${value.name.length} characters; expected 1 to ${maxNameLength}` }
  }
  const type = value.type?.value
  if (type?.case !== 'tensorType') {
    return { why: `"${value.name}" is not declared as a tensor (${type?.case ?? 'no type'})` }
  }
  const dtype = dtypeOfNumber(type.value.elemType)
  if (dtype === undefined) {
    return { why: `"${value.name}" has element type ${type.value.elemType} of ONNX, which no tensor blob can hold` }
  }
  if (type.value.shape === undefined) return { name: value.name, dtype, dims: null }
  const dims = type.value.shape.dim.map(({ value: dim }): Dim => {
    if (dim.case === 'dimValue') return dim.value < 0n ? '' : Number(dim.value)
    return dim.case === 'dimParam' ? dim.value : ''
  })
  if (dims.length > maxRank) return { why: `"${value.name}" has ${dims.length} axes, more than ${maxRank}` }
  return { name: value.name, dtype, dims }
}
