import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../generated/onnx_pb.ts'
import type { Dim } from '../program/declaration.ts'
import { dtypeNumber, type Dtype } from '../tensor/dtype.ts'
import type { EncodableTensor } from '../tensor/encode-tensor.ts'
import { writeModel } from './read-model.ts'

export interface ValueInput {
  readonly name: string
  readonly dtype: Dtype
  readonly dims: readonly Dim[]
}

/** A tensor, a text, a whole number (`bigint`), a fraction (`number`), a list of either, or a graph. */
export type AttributeInput =
  | EncodableTensor
  | string
  | bigint
  | number
  | readonly bigint[]
  | readonly number[]
  | { readonly graph: GraphProto }

export interface NodeInput {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly name?: string
  readonly domain?: string
  readonly attributes?: Readonly<Record<string, AttributeInput>>
}

export interface GraphInput {
  readonly nodes: readonly NodeInput[]
  readonly inputs: readonly ValueInput[]
  readonly outputs: readonly ValueInput[]
  readonly weights?: Readonly<Record<string, EncodableTensor>>
}

export interface ModelInput extends GraphInput {
  /** Version of ONNX's own operators; 17 unless told. */
  readonly opset?: number
  readonly irVersion?: number
  /** Versions of other domains' operators. */
  readonly domains?: Readonly<Record<string, number>>
}

export const buildTensor = (name: string, tensor: EncodableTensor): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: tensor.dims.map(BigInt),
    dataType: dtypeNumber(tensor.dtype),
    rawData: new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).slice(),
  })

const buildValue = ({ name, dtype, dims }: ValueInput): ValueInfoProto => {
  const dim = dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  )
  const value = create(TypeProto_TensorSchema, {
    elemType: dtypeNumber(dtype),
    shape: create(TensorShapeProtoSchema, { dim }),
  })
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }) })
}

const isWholeList = (list: readonly (bigint | number)[]): list is readonly bigint[] => typeof list[0] === 'bigint'

const buildAttribute = (name: string, input: AttributeInput): AttributeProto => {
  const type = AttributeProto_AttributeType
  if (typeof input === 'string') {
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(input) })
  }
  if (typeof input === 'bigint') return create(AttributeProtoSchema, { name, type: type.INT, i: input })
  if (typeof input === 'number') return create(AttributeProtoSchema, { name, type: type.FLOAT, f: input })
  if (Array.isArray(input)) {
    const list = input as readonly bigint[] | readonly number[]
    if (isWholeList(list)) return create(AttributeProtoSchema, { name, type: type.INTS, ints: [...list] })
    return create(AttributeProtoSchema, { name, type: type.FLOATS, floats: [...list] })
  }
  if ('graph' in input) return create(AttributeProtoSchema, { name, type: type.GRAPH, g: input.graph })
  return create(AttributeProtoSchema, { name, type: type.TENSOR, t: buildTensor('', input as EncodableTensor) })
}

export const buildNode = (node: NodeInput): NodeProto =>
  create(NodeProtoSchema, {
    opType: node.op,
    input: [...node.inputs],
    output: [...node.outputs],
    name: node.name ?? '',
    domain: node.domain ?? '',
    attribute: Object.entries(node.attributes ?? {}).map(([name, input]) => buildAttribute(name, input)),
  })

export const buildGraph = (name: string, graph: GraphInput): GraphProto =>
  create(GraphProtoSchema, {
    name,
    node: graph.nodes.map(buildNode),
    input: graph.inputs.map(buildValue),
    output: graph.outputs.map(buildValue),
    initializer: Object.entries(graph.weights ?? {}).map(([weight, tensor]) => buildTensor(weight, tensor)),
  })

/** A model from a few lines, for tests and examples: `writeModel` of it is an ONNX file. */
export const buildModel = (input: ModelInput): ModelProto => {
  const versions = { '': input.opset ?? 17, ...input.domains }
  return create(ModelProtoSchema, {
    irVersion: BigInt(input.irVersion ?? 8),
    producerName: 'muster',
    graph: buildGraph('graph', input),
    opsetImport: Object.entries(versions).map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
  })
}

/** The ONNX file of `buildModel`. */
export const buildModelBytes = (input: ModelInput): Uint8Array => writeModel(buildModel(input))
