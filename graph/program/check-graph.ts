import type { GraphProto, NodeProto, TensorProto } from '../generated/onnx_pb.ts'
import { findAttribute } from '../operator/attribute.ts'
import { dtypeOfNumber, type Dtype } from '../tensor/dtype.ts'
import { checkNode, refuseConstant } from './check-node.ts'
import type { ValueDeclaration } from './declaration.ts'
import { declareValue, maxValues } from './declare-value.ts'
import { sayName, type NodeLabel, type Refusal } from './refusal.ts'

export interface CheckedGraph {
  readonly operators: number
  readonly inputs: readonly ValueDeclaration[]
  readonly outputs: readonly ValueDeclaration[]
  readonly refusals: readonly Refusal[]
}

/** Walks a graph in the order of its file, element type by element type, and collects every refusal. */
export const checkGraph = (graph: GraphProto, opset: number, irVersion: number): CheckedGraph => {
  const refusals: Refusal[] = []
  const types = new Map<string, Dtype | undefined>()
  const constants = new Map<string, TensorProto>()

  const define = (name: string, dtype: Dtype | undefined, path: string, node?: NodeLabel): void => {
    if (types.has(name))
      refusals.push({ path, ...(node && { node }), why: `the value "${sayName(name)}" is defined twice` })
    else types.set(name, dtype)
  }

  for (const [index, weight] of graph.initializer.entries()) {
    const path = `graph.initializer[${index}]`
    const why = refuseConstant(weight)
    if (why !== undefined) refusals.push({ path, why: `weight "${sayName(weight.name)}": ${why}` })
    define(weight.name, dtypeOfNumber(weight.dataType), path)
    constants.set(weight.name, weight)
  }
  if (graph.sparseInitializer.length > 0) {
    refusals.push({ path: 'graph.sparseInitializer', why: 'weights are sparse; save them as dense tensors' })
  }

  const inputs: ValueDeclaration[] = []
  for (const [index, input] of graph.input.entries()) {
    const path = `graph.input[${index}]`
    if (constants.has(input.name)) {
      if (irVersion >= 4) {
        refusals.push({
          path,
          why: `weight "${sayName(input.name)}" is also an input, so the engine takes it for one that may change; take it out of graph.input`,
        })
      }
      continue
    }
    const declared = declareValue(input)
    if ('why' in declared) {
      refusals.push({ path, why: declared.why })
      define(input.name, undefined, path)
      continue
    }
    define(input.name, declared.dtype, path)
    inputs.push(declared)
  }

  let operators = 0
  for (const [index, node] of graph.node.entries()) {
    const path = `graph.node[${index}]`
    const label = { index, name: sayName(node.name), op: sayName(node.opType), domain: sayName(node.domain) }
    if (node.opType !== 'Constant') operators++
    const missing = node.input.filter((name) => name !== '' && !types.has(name))
    for (const name of missing)
      refusals.push({ path, node: label, why: `its input "${sayName(name)}" is not defined before it` })
    const isTyped = node.input.every((name) => name === '' || types.get(name) !== undefined)
    const dtypes = isTyped ? node.input.map((name) => types.get(name)) : null
    const checked = checkNode(node, opset, dtypes, (name) => isKnownFalse(constants.get(name)))
    for (const why of checked.refusals) refusals.push({ path, node: label, why })
    for (const [position, name] of node.output.entries()) {
      if (name !== '') define(name, checked.outputs[position], path, label)
    }
    rememberConstant(node, constants)
  }

  const outputs: ValueDeclaration[] = []
  for (const [index, output] of graph.output.entries()) {
    const path = `graph.output[${index}]`
    const dtype = types.get(output.name)
    if (!types.has(output.name)) refusals.push({ path, why: `no node gives the output "${sayName(output.name)}"` })
    if (dtype === undefined) continue
    const declared =
      output.type?.value.case === 'tensorType' ? declareValue(output) : { name: output.name, dtype, dims: null }
    if ('why' in declared) refusals.push({ path, why: declared.why })
    else if (declared.dtype !== dtype) {
      refusals.push({ path, why: `"${sayName(output.name)}" is declared ${declared.dtype} and computed as ${dtype}` })
    } else outputs.push(declared)
  }
  for (const [path, values] of [
    ['graph.input', inputs],
    ['graph.output', outputs],
  ] as const) {
    if (values.length > maxValues) refusals.push({ path, why: `${values.length} of them, more than ${maxValues}` })
  }
  if (new Set(graph.output.map(({ name }) => name)).size < graph.output.length) {
    refusals.push({ path: 'graph.output', why: 'an output is listed twice' })
  }
  if (graph.output.length === 0) refusals.push({ path: 'graph.output', why: 'the graph has no output' })
  return { operators, inputs, outputs, refusals }
}

/** Whether a tensor is one `false`. A larger one is not looked through: any number of nodes may name it. */
const isKnownFalse = (tensor: TensorProto | undefined): boolean => {
  if (tensor === undefined) return false
  const { rawData, int32Data } = tensor
  return rawData.length + int32Data.length === 1 && (rawData[0] ?? int32Data[0]) === 0
}

const rememberConstant = (node: NodeProto, constants: Map<string, TensorProto>): void => {
  const value = node.opType === 'Constant' ? findAttribute(node, 'value')?.t : undefined
  const [name] = node.output
  if (value !== undefined && name !== undefined) constants.set(name, value)
}
