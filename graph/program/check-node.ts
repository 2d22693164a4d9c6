import {
  AttributeProto_AttributeType,
  TensorProto_DataLocation,
  type NodeProto,
  type TensorProto,
} from '../generated/onnx_pb.ts'
import { findAttribute } from '../operator/attribute.ts'
import { inferOutputs } from '../operator/infer-outputs.ts'
import { findOperator } from '../operator/operator-table.ts'
import { refusedOperators } from '../operator/refused-operators.ts'
import { dtypeOfNumber, type Dtype } from '../tensor/dtype.ts'
import { sayName } from './refusal.ts'

/** Names of the domain of ONNX's own operators. */
export const isStandardDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx'

/** The engine drops a pair of casts around a node so named, whatever precision that brings back. */
const freeCastPrefix = 'InsertedPrecisionFreeCast_'

export interface CheckedNode {
  /** Element types of the outputs, as far as they could be told. */
  readonly outputs: readonly (Dtype | undefined)[]
  readonly refusals: readonly string[]
}

/** Why a constant cannot be used, or undefined. */
export const refuseConstant = (tensor: TensorProto): string | undefined => {
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0) {
    return 'its data lies in another file; save the model with all weights inside'
  }
  if (dtypeOfNumber(tensor.dataType) === undefined)
    return `element type ${tensor.dataType} of ONNX, which no tensor blob can hold`
  return undefined
}

const constantOutput = (node: NodeProto): { readonly dtype?: Dtype; readonly why?: string } => {
  const [attribute, ...others] = node.attribute
  if (attribute === undefined || others.length > 0) return { why: 'a Constant has exactly one attribute' }
  if (attribute.name === 'value' && attribute.t !== undefined) {
    const why = refuseConstant(attribute.t)
    const dtype = dtypeOfNumber(attribute.t.dataType)
    return why === undefined && dtype !== undefined ? { dtype } : { why: why ?? 'an unknown element type' }
  }
  if (attribute.name === 'value_float' || attribute.name === 'value_floats') return { dtype: 'float32' }
  if (attribute.name === 'value_int' || attribute.name === 'value_ints') return { dtype: 'int64' }
  return { why: `a Constant by "${sayName(attribute.name)}" is no dense tensor of numbers` }
}

const attributeRefusals = (node: NodeProto): string[] =>
  node.attribute.flatMap((attribute) => {
    const name = sayName(attribute.name)
    if (
      attribute.g !== undefined ||
      attribute.graphs.length > 0 ||
      attribute.type === AttributeProto_AttributeType.GRAPH
    ) {
      return [`attribute "${name}" holds a subgraph; inline it`]
    }
    if (attribute.refAttrName !== '')
      return [`attribute "${name}" refers to a function's attribute outside of a function`]
    if (attribute.sparseTensor !== undefined || attribute.sparseTensors.length > 0)
      return [`attribute "${name}" is sparse`]
    return [attribute.t, ...attribute.tensors].flatMap((tensor) => {
      const why = tensor === undefined ? undefined : refuseConstant(tensor)
      return why === undefined ? [] : [`attribute "${name}": ${why}`]
    })
  })

/**
 * Checks one node against the whitelist and the kernels of the engine.
 * @param inputs element type of each input, undefined where it is left out; null where one could not be told, which was
 *   refused where it arose and is not refused again here
 * @param isKnownFalse whether a value is one constant `false`; asked of as many nodes as name the value
 */
export const checkNode = (
  node: NodeProto,
  opset: number,
  inputs: readonly (Dtype | undefined)[] | null,
  isKnownFalse: (name: string) => boolean,
): CheckedNode => {
  const unknown = node.output.map(() => undefined)
  const refuse = (why: string): CheckedNode => ({ outputs: unknown, refusals: [why] })
  if (!isStandardDomain(node.domain)) {
    return refuse(
      `its domain "${sayName(node.domain)}" is not ONNX's own; export the model with standard operators only`,
    )
  }
  const refusals = attributeRefusals(node)
  if (node.opType === 'Constant') {
    const { dtype, why } = constantOutput(node)
    return {
      outputs: node.output.map(() => dtype),
      refusals: why === undefined || refusals.length > 0 ? refusals : [why],
    }
  }
  const reason = refusedOperators.get(node.opType)
  if (reason !== undefined) return refuse(reason)
  const version = findOperator(node.opType, opset)
  if (version === undefined)
    return refuse(`${sayName(node.opType)} is not an operator of opset ${opset} on the whitelist`)
  if (refusals.length > 0) return { outputs: unknown, refusals }

  const trainingMode = node.opType === 'Dropout' ? node.input[2] : undefined
  if (trainingMode !== undefined && trainingMode !== '' && !isKnownFalse(trainingMode)) {
    return refuse(
      'Dropout in training mode draws at random; export the model for inference (training_mode one constant false)',
    )
  }
  if (node.opType === 'Cast' && node.name.startsWith(freeCastPrefix) && findAttribute(node, 'to') !== undefined) {
    return refuse(`the engine leaves out casts whose names begin with ${freeCastPrefix}; rename the node`)
  }
  if (inputs === null) return { outputs: unknown, refusals: [] }
  const types = inferOutputs(node, version, inputs)
  return 'why' in types ? refuse(types.why) : { outputs: types.dtypes, refusals: [] }
}
