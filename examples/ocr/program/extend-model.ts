import { buildGraph, readModel, writeModel, type GraphInput, type NodeInput } from '@muster/graph'

export type Extension = Required<Pick<GraphInput, 'inputs' | 'outputs' | 'weights'>> & {
  /** Operators that make the published model's input out of `inputs`. */
  readonly before: readonly NodeInput[]
  /** Operators that make `outputs` out of the published model's output. */
  readonly after: readonly NodeInput[]
}

/**
 * Puts operators in front of and behind a published model, so that pre- and post-processing run where the model does,
 * as reproducibly, and only small tensors travel. The model's own nodes and weights stay as they are.
 */
export const extendModel = (published: Uint8Array, extension: Extension): Uint8Array => {
  const { before, after, inputs, outputs, weights } = extension
  const model = readModel(published)
  if (model.graph === undefined) throw new TypeError('the published model has no graph')
  const added = buildGraph('added', { nodes: [...before, ...after], inputs, outputs, weights })
  model.graph.node = [...added.node.slice(0, before.length), ...model.graph.node, ...added.node.slice(before.length)]
  model.graph.initializer = [...model.graph.initializer, ...added.initializer]
  model.graph.input = added.input
  model.graph.output = added.output
  return writeModel(model)
}
