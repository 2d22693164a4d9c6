import type { NodeProto } from '../generated/onnx_pb.ts'
import { dtypeNumber, dtypeOfNumber, isDtype, type Dtype } from '../tensor/dtype.ts'
import { findAttribute, wholeAttribute } from './attribute.ts'
import type { OperatorVersion } from './operator-table.ts'

export interface InferredOutputs {
  readonly dtypes: readonly Dtype[]
}

export interface TypeMismatch {
  readonly why: string
}

const numbered = (number: number): Dtype | undefined => dtypeOfNumber(number)

/** Operators whose attributes, not whose inputs, say what comes out. */
const outputRules: Readonly<
  Record<string, (node: NodeProto, inputs: readonly (Dtype | undefined)[]) => Dtype | undefined>
> = {
  Cast: (node) => numbered(wholeAttribute(node, 'to', 0)),
  BitCast: (node) => numbered(wholeAttribute(node, 'to', 0)),
  ConstantOfShape: (node) => numbered(findAttribute(node, 'value')?.t?.dataType ?? dtypeNumber('float32')),
  EyeLike: (node, [input]) =>
    findAttribute(node, 'dtype') === undefined ? input : numbered(wholeAttribute(node, 'dtype', 0)),
  BlackmanWindow: (node) => numbered(wholeAttribute(node, 'output_datatype', 1)),
  HammingWindow: (node) => numbered(wholeAttribute(node, 'output_datatype', 1)),
  HannWindow: (node) => numbered(wholeAttribute(node, 'output_datatype', 1)),
  MelWeightMatrix: (node) => numbered(wholeAttribute(node, 'output_datatype', 1)),
  QuantizeLinear: (node) =>
    wholeAttribute(node, 'output_dtype', 0) === 0 ? 'uint8' : numbered(wholeAttribute(node, 'output_dtype', 0)),
  DequantizeLinear: (node, [, scale]) =>
    wholeAttribute(node, 'output_dtype', 0) === 0 ? scale : numbered(wholeAttribute(node, 'output_dtype', 0)),
}

const halfPrecision = (dtypes: readonly (Dtype | undefined)[]): boolean => dtypes.includes('float16')

const maxNamedInputs = 16

const noKernel = (op: string, inputs: readonly (Dtype | undefined)[]): TypeMismatch => {
  const named = inputs.slice(0, maxNamedInputs).map((dtype) => dtype ?? '-')
  const found = [...named, ...(inputs.length > maxNamedInputs ? ['…'] : [])].join(', ')
  return halfPrecision(inputs)
    ? {
        why:
          `the engine has no float16 kernel of ${op} (${found}) and would cast behind the program's back, which breaks its replay ` +
          'operator by operator; convert the model to float32, or write the casts as Cast nodes',
      }
    : { why: `the engine has no kernel of ${op} for (${found})` }
}

/**
 * Element types of a node's outputs from those of its inputs (undefined: left out), by the engine's own kernels.
 * The answer says why where no kernel takes them as they are.
 */
export const inferOutputs = (
  node: NodeProto,
  version: OperatorVersion,
  inputs: readonly (Dtype | undefined)[],
): InferredOutputs | TypeMismatch => {
  if (version.choices.length === 0) return { why: `the engine has no kernel of ${node.opType} in this operator set` }
  if (inputs.length < version.required) {
    return { why: `it needs ${version.required} inputs and has ${inputs.length}` }
  }
  if (inputs.length > version.inputs.length && !version.variadic) {
    return { why: `it takes up to ${version.inputs.length} inputs and has ${inputs.length}` }
  }
  if (node.output.length > version.outputs.length && !version.variadicOutput) {
    return { why: `it gives up to ${version.outputs.length} outputs and ${node.output.length} are named` }
  }

  const bound = new Map<string, Dtype>()
  for (const [index, dtype] of inputs.entries()) {
    if (dtype === undefined) continue
    const parameter = version.inputs[Math.min(index, version.inputs.length - 1)]
    if (parameter === undefined) continue
    const expected = isDtype(parameter) ? parameter : bound.get(parameter)
    if (expected !== undefined && expected !== dtype) {
      return { why: `its input ${index} is ${dtype} where ${expected} is expected` }
    }
    bound.set(parameter, dtype)
  }
  const fitting = version.choices.filter((choice) =>
    [...bound].every(([parameter, dtype]) => choice.get(parameter)?.has(dtype) ?? true),
  )
  if (fitting.length === 0) return noKernel(node.opType, inputs)

  const dtypes: Dtype[] = []
  for (const index of node.output.keys()) {
    const parameter = version.outputs[Math.min(index, version.outputs.length - 1)]
    if (parameter === undefined) return { why: `its output ${index} is not one of ${node.opType}` }
    const known = isDtype(parameter) ? parameter : bound.get(parameter)
    if (known !== undefined) {
      dtypes.push(known)
      continue
    }
    const allowed = new Set(fitting.flatMap((choice) => [...(choice.get(parameter) ?? [])]))
    const [only] = allowed
    const dtype = allowed.size === 1 ? only : outputRules[node.opType]?.(node, inputs)
    if (dtype === undefined || !allowed.has(dtype)) {
      return {
        why: `the element type of its output ${index} is not one a tensor blob can hold or the engine can compute`,
      }
    }
    dtypes.push(dtype)
  }
  return { dtypes }
}
