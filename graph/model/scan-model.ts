import type { DescMessage } from '@bufbuild/protobuf'
import { MusterError } from '@muster/protocol'
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema } from '../generated/onnx_pb.ts'

/** What a model may cost to decode. A file beyond them is refused before anything is allocated for it. */
export interface ModelBounds {
  readonly modelBytes: number
  /** Nodes in all graphs together. */
  readonly nodes: number
  /** Messages within messages; the top is 0. A tensor of a node's attribute is at 4. */
  readonly nesting: number
  /** Fields in all messages together. */
  readonly fields: number
  /** Numbers written one by one (varints) instead of as raw data. */
  readonly looseNumbers: number
}

export const modelBounds: ModelBounds = {
  modelBytes: 2 ** 31,
  nodes: 100_000,
  nesting: 24,
  fields: 2_000_000,
  looseNumbers: 16_000_000,
}

interface Shape {
  readonly messages: ReadonlyMap<number, DescMessage>
  readonly packedVarints: ReadonlySet<number>
}

const varintScalars = new Set([3, 4, 5, 8, 13, 17, 18])
const shapes = new Map<DescMessage, Shape>()

const shapeOf = (message: DescMessage): Shape => {
  const known = shapes.get(message)
  if (known !== undefined) return known
  const messages = new Map<number, DescMessage>()
  const packedVarints = new Set<number>()
  for (const field of message.fields) {
    if (
      field.fieldKind !== 'scalar' &&
      field.fieldKind !== 'enum' &&
      'message' in field &&
      field.message !== undefined
    ) {
      messages.set(field.number, field.message)
    }
    if (field.fieldKind === 'list' && field.listKind === 'scalar' && varintScalars.has(field.scalar)) {
      packedVarints.add(field.number)
    }
  }
  const shape = { messages, packedVarints }
  shapes.set(message, shape)
  return shape
}

const tooLarge = (what: string, limit: number): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: `This model is too large to check: it has more than ${limit} ${what}.`,
    facts: { path: 'model', expected: `at most ${limit} ${what}`, found: 'more' },
  })

const malformed = (offset: number, found: string): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: `This file is not an ONNX model: ${found} at byte ${offset}.`,
    facts: { path: 'model', expected: 'a ModelProto', found, offset },
  })

/** What a scan counts, over all graphs of the model together. */
export interface ModelSize {
  readonly nodes: number
  /** Nodes that compute: all but `Constant`. */
  readonly operators: number
}

const nodeField = 1
const opTypeField = 4
const constant = new TextEncoder().encode('Constant')

/**
 * Walks the wire format of a model without decoding it and throws `program_refused` where it is malformed or beyond
 * the bounds: two bytes of a hostile file could otherwise become a hundred in memory.
 */
export const scanModel = (bytes: Uint8Array, bounds: ModelBounds = modelBounds): ModelSize => {
  if (bytes.length > bounds.modelBytes) throw tooLarge('bytes', bounds.modelBytes)
  let pos = 0
  let fields = 0
  let nodes = 0
  let looseNumbers = 0
  let constants = 0

  const varint = (end: number): number => {
    let value = 0
    for (let scale = 1, count = 0; count < 10; count++, scale *= 128) {
      const byte = pos < end ? bytes[pos++] : undefined
      if (byte === undefined) throw malformed(pos, 'a number cut short')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw malformed(pos, 'a number of more than ten bytes')
  }

  const open: { readonly message: DescMessage; readonly shape: Shape; readonly end: number }[] = [
    { message: ModelProtoSchema, shape: shapeOf(ModelProtoSchema), end: bytes.length },
  ]
  for (;;) {
    const top = open.at(-1)
    if (top === undefined) return { nodes, operators: nodes - constants }
    if (pos === top.end) {
      open.pop()
      continue
    }
    if (++fields > bounds.fields) throw tooLarge('fields', bounds.fields)
    const tag = varint(top.end)
    const field = Math.floor(tag / 8)
    const wireType = tag % 8
    if (field === 0 || field > 0x1fff_ffff) throw malformed(pos, `field number ${field}`)
    if (wireType === 0) varint(top.end)
    else if (wireType === 1) pos += 8
    else if (wireType === 5) pos += 4
    else if (wireType === 2) {
      const length = varint(top.end)
      const end = pos + length
      if (end > top.end) throw malformed(pos, 'a field longer than what holds it')
      const child = top.shape.messages.get(field)
      if (child === undefined) {
        if (top.shape.packedVarints.has(field)) looseNumbers += length
        if (top.message === NodeProtoSchema && field === opTypeField && isConstant(bytes, pos, length)) constants++
        if (looseNumbers > bounds.looseNumbers) throw tooLarge('numbers outside raw data', bounds.looseNumbers)
        pos = end
        continue
      }
      if (top.message === GraphProtoSchema && field === nodeField && ++nodes > bounds.nodes)
        throw tooLarge('nodes', bounds.nodes)
      if (open.length > bounds.nesting) throw tooLarge('messages within messages', bounds.nesting)
      open.push({ message: child, shape: shapeOf(child), end })
    } else throw malformed(pos, `wire type ${wireType}`)
    if (pos > top.end) throw malformed(pos, 'a field longer than what holds it')
  }
}

const isConstant = (bytes: Uint8Array, start: number, length: number): boolean =>
  length === constant.length && constant.every((byte, index) => bytes[start + index] === byte)
