import type { AttributeProto, NodeProto } from '../generated/onnx_pb.ts'

export const findAttribute = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name)

/** A whole-number attribute of a node, or what holds where it is not written. */
export const wholeAttribute = (node: NodeProto, name: string, otherwise: number): number => {
  const attribute = findAttribute(node, name)
  return attribute === undefined ? otherwise : Number(attribute.i)
}
