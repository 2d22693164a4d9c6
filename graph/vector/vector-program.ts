import { seededWords, type Hex } from '@muster/protocol'
import { buildModelBytes, type NodeInput } from '../model/build-model.ts'
import { encodeTensor, type EncodableTensor } from '../tensor/encode-tensor.ts'

/** A program whose every output is one operator's, with its input: what a machine must reproduce bit by bit. */
export interface VectorProgram {
  readonly model: Uint8Array
  readonly inputs: ReadonlyMap<string, Uint8Array>
  /** Names of its outputs, in order. */
  readonly outputs: readonly string[]
}

const seed: Hex = `0x${'6d757374657200'.padEnd(64, '0')}`

/** Fractions between −1 and 1 in steps of 2⁻²³, times a power of two: exact in float32, and the same everywhere. */
const fractions = (label: string, dims: readonly number[], scale = 1): EncodableTensor => {
  const next = seededWords(seed, label)
  const count = dims.reduce((product, dim) => product * dim, 1)
  return {
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: count }, () => ((next() >>> 8) / 2 ** 23 - 1) * scale),
  }
}

const bytes = (label: string, dims: readonly number[], dtype: 'int8' | 'uint8'): EncodableTensor => {
  const next = seededWords(seed, label)
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dtype, dims, data: Uint8Array.from({ length: count }, () => next() & 255) }
}

const float = (value: number): EncodableTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
const byte = (dtype: 'int8' | 'uint8', value: number): EncodableTensor => ({
  dtype,
  dims: [],
  data: Uint8Array.of(value),
})
const wholes = (...values: bigint[]): EncodableTensor => ({
  dtype: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values),
})

const weights: Readonly<Record<string, EncodableTensor>> = {
  matrix: fractions('matrix', [96, 67]),
  bias: fractions('bias', [67]),
  kernel3: fractions('kernel3', [10, 6, 3, 3]),
  kernel1: fractions('kernel1', [10, 6, 1, 1]),
  kernelEach: fractions('kernelEach', [6, 1, 5, 5]),
  kernelUp: fractions('kernelUp', [6, 4, 3, 3]),
  scale96: fractions('scale96', [96]),
  shift96: fractions('shift96', [96]),
  scale6: fractions('scale6', [6]),
  shift6: fractions('shift6', [6]),
  variance6: { dtype: 'float32', dims: [6], data: Float32Array.of(0.5, 1.25, 2, 0.75, 3, 1) },
  gates: fractions('gates', [1, 64, 96], 0.5),
  recurrence: fractions('recurrence', [1, 64, 16], 0.5),
  gates3: fractions('gates3', [1, 48, 96], 0.5),
  recurrence3: fractions('recurrence3', [1, 48, 16], 0.5),
  scales: { dtype: 'float32', dims: [4], data: Float32Array.of(1, 1, 1.75, 2.5) },
  none: { dtype: 'float32', dims: [0], data: new Float32Array(0) },
  exponent: float(2.5),
  five: wholes(5n),
  last: wholes(-1n),
  foremost: wholes(0n),
  first: { dtype: 'int64', dims: [], data: BigInt64Array.of(1n) },
  query: fractions('query', [96, 32]),
  key: fractions('key', [96, 32]),
  value: fractions('value', [96, 32]),
  root: float(0.17677669),
  wide: fractions('wide', [32, 128]),
  narrow: fractions('narrow', [128, 96]),
  quantised: bytes('quantised', [96, 24], 'int8'),
  zero: byte('uint8', 121),
  zeroSigned: byte('int8', 0),
  step: float(0.0078125),
}

const unary = [
  'Exp',
  'Log',
  'Sqrt',
  'Tanh',
  'Sigmoid',
  'Erf',
  'Sin',
  'Cos',
  'Softplus',
  'Gelu',
  'Reciprocal',
  'HardSigmoid',
  'Elu',
  'Round',
]

/** Each by the name of its operator, and what tells it from others of the same. */
const nodes: readonly NodeInput[] = [
  ...unary.map((op) => ({ op, inputs: ['table'], outputs: [op] })),
  { op: 'MatMul', inputs: ['table', 'matrix'], outputs: ['MatMul'] },
  { op: 'Gemm', inputs: ['table', 'matrix', 'bias'], outputs: ['Gemm'], attributes: { alpha: 0.75, beta: 1.25 } },
  { op: 'Softmax', inputs: ['table'], outputs: ['Softmax'], attributes: { axis: -1n } },
  { op: 'LogSoftmax', inputs: ['table'], outputs: ['LogSoftmax'], attributes: { axis: 0n } },
  { op: 'LayerNormalization', inputs: ['table', 'scale96', 'shift96'], outputs: ['LayerNormalization'] },
  { op: 'InstanceNormalization', inputs: ['image', 'scale6', 'shift6'], outputs: ['InstanceNormalization'] },
  {
    op: 'BatchNormalization',
    inputs: ['image', 'scale6', 'shift6', 'shift6', 'variance6'],
    outputs: ['BatchNormalization'],
  },
  { op: 'Conv', inputs: ['image', 'kernel3'], outputs: ['Conv 3x3'], attributes: { pads: [1n, 1n, 1n, 1n] } },
  { op: 'Conv', inputs: ['image', 'kernel1'], outputs: ['Conv 1x1'] },
  { op: 'Conv', inputs: ['image', 'kernelEach'], outputs: ['Conv depthwise'], attributes: { group: 6n } },
  { op: 'ConvTranspose', inputs: ['image', 'kernelUp'], outputs: ['ConvTranspose'], attributes: { strides: [2n, 2n] } },
  {
    op: 'AveragePool',
    inputs: ['image'],
    outputs: ['AveragePool'],
    attributes: { kernel_shape: [3n, 3n], strides: [2n, 2n] },
  },
  { op: 'MaxPool', inputs: ['image'], outputs: ['MaxPool'], attributes: { kernel_shape: [2n, 2n] } },
  { op: 'GlobalAveragePool', inputs: ['image'], outputs: ['GlobalAveragePool'] },
  { op: 'Resize', inputs: ['image', 'none', 'scales'], outputs: ['Resize'], attributes: { mode: 'linear' } },
  { op: 'ReduceSum', inputs: ['table', 'last'], outputs: ['ReduceSum'] },
  { op: 'ReduceMean', inputs: ['table', 'last'], outputs: ['ReduceMean'] },
  { op: 'ReduceLogSumExp', inputs: ['table', 'last'], outputs: ['ReduceLogSumExp'] },
  { op: 'ReduceL2', inputs: ['table', 'foremost'], outputs: ['ReduceL2'] },
  { op: 'CumSum', inputs: ['table', 'first'], outputs: ['CumSum'] },
  { op: 'TopK', inputs: ['table', 'five'], outputs: ['TopK', 'TopK indices'] },
  { op: 'ArgMax', inputs: ['table'], outputs: ['ArgMax'], attributes: { axis: 1n } },
  { op: 'Abs', inputs: ['table'], outputs: ['magnitude'] },
  { op: 'Pow', inputs: ['magnitude', 'exponent'], outputs: ['Pow'] },
  {
    op: 'LSTM',
    inputs: ['steps', 'gates', 'recurrence'],
    outputs: ['LSTM'],
    attributes: { hidden_size: 16n },
  },
  { op: 'GRU', inputs: ['steps', 'gates3', 'recurrence3'], outputs: ['GRU'], attributes: { hidden_size: 16n } },
  { op: 'DynamicQuantizeLinear', inputs: ['table'], outputs: ['levels', 'level', 'DynamicQuantizeLinear'] },
  { op: 'MatMulInteger', inputs: ['levels', 'quantised', 'zero', 'zeroSigned'], outputs: ['MatMulInteger'] },
  { op: 'QuantizeLinear', inputs: ['table', 'step', 'zero'], outputs: ['QuantizeLinear'] },
  // A block of a transformer, in which every rounding meets the next.
  { op: 'MatMul', inputs: ['LayerNormalization', 'query'], outputs: ['q'] },
  { op: 'MatMul', inputs: ['LayerNormalization', 'key'], outputs: ['k'] },
  { op: 'MatMul', inputs: ['LayerNormalization', 'value'], outputs: ['v'] },
  { op: 'Transpose', inputs: ['k'], outputs: ['kT'], attributes: { perm: [1n, 0n] } },
  { op: 'MatMul', inputs: ['q', 'kT'], outputs: ['products'] },
  { op: 'Mul', inputs: ['products', 'root'], outputs: ['scores'] },
  { op: 'Softmax', inputs: ['scores'], outputs: ['attention'], attributes: { axis: -1n } },
  { op: 'MatMul', inputs: ['attention', 'v'], outputs: ['mixed'] },
  { op: 'MatMul', inputs: ['mixed', 'wide'], outputs: ['widened'] },
  { op: 'Gelu', inputs: ['widened'], outputs: ['activated'] },
  { op: 'MatMul', inputs: ['activated', 'narrow'], outputs: ['narrowed'] },
  { op: 'Add', inputs: ['table', 'narrowed'], outputs: ['transformer block'] },
]

/** What only leads to outputs. */
const inner = new Set([
  'magnitude',
  'levels',
  'level',
  'q',
  'k',
  'v',
  'kT',
  'products',
  'scores',
  'attention',
  'mixed',
  'widened',
  'activated',
  'narrowed',
])
const dtypes: Readonly<Record<string, 'int64' | 'int32' | 'uint8'>> = {
  'TopK indices': 'int64',
  ArgMax: 'int64',
  MatMulInteger: 'int32',
  DynamicQuantizeLinear: 'uint8',
  QuantizeLinear: 'uint8',
}
/** Of outputs whose rank is not that of their input. */
const ranks: Readonly<Record<string, number>> = { LSTM: 4, GRU: 4, DynamicQuantizeLinear: 0 }
const images = new Set([
  'InstanceNormalization',
  'BatchNormalization',
  'Conv 3x3',
  'Conv 1x1',
  'Conv depthwise',
  'ConvTranspose',
  'AveragePool',
  'MaxPool',
  'GlobalAveragePool',
  'Resize',
])

const rankOf = (name: string): number => ranks[name] ?? (images.has(name) ? 4 : 2)

/** The reproducibility vector: its program and inputs, made here from a fixed seed without a call of `Math`. */
export const vectorProgram = (): VectorProgram => {
  const table = fractions('table', [24, 96], 4)
  const image = fractions('image', [2, 6, 19, 17], 2)
  const steps = fractions('steps', [7, 3, 96])
  const outputs = nodes.flatMap((node) => node.outputs).filter((name) => !inner.has(name))
  const model = buildModelBytes({
    nodes,
    weights,
    opset: 20,
    irVersion: 9,
    inputs: [
      { name: 'table', dtype: 'float32', dims: [...table.dims] },
      { name: 'image', dtype: 'float32', dims: [...image.dims] },
      { name: 'steps', dtype: 'float32', dims: [...steps.dims] },
    ],
    outputs: outputs.map((name) => ({
      name,
      dtype: dtypes[name] ?? 'float32',
      dims: Array.from({ length: rankOf(name) }, () => ''),
    })),
  })
  const inputs = new Map(Object.entries({ table, image, steps }).map(([name, tensor]) => [name, encodeTensor(tensor)]))
  return { model, inputs, outputs }
}
