import { buildModelBytes, encodeTensor, type NodeInput } from '@muster/graph'
import {
  chainFloats,
  chainOf,
  chainPrime,
  MusterError,
  type ChainMatrix,
  type ChainWork,
  type Hex,
  type MatrixChain,
  type World,
} from '@muster/protocol'
import type { RuntimePool } from '@muster/runtime'
import type { ChainRun } from './bench.ts'

/** Benchmarks share a child process with nobody's work. */
export const benchmarkGroup = 'benchmark'
const timeoutMs = 60_000

const tensorOf = (matrix: ChainMatrix) => ({
  dtype: 'float32' as const,
  dims: [matrix.rows, matrix.columns],
  data: chainFloats(matrix),
})

const scalar = (value: number) => ({ dtype: 'float32' as const, dims: [], data: Float32Array.of(value) })

/** The chain as an ONNX file: each layer a product, less the prime times the whole part of the product over it. */
export const chainModel = (chain: MatrixChain, columns: number): Uint8Array => {
  const layers = chain.sizes.length - 1
  const indexes = Array.from({ length: layers }, (_, index) => index)
  const nodes = indexes.flatMap((index): NodeInput[] => [
    { op: 'MatMul', inputs: [`w${index}`, `x${index}`], outputs: [`product${index}`] },
    { op: 'Mul', inputs: [`product${index}`, 'inverse'], outputs: [`share${index}`] },
    { op: 'Floor', inputs: [`share${index}`], outputs: [`whole${index}`] },
    { op: 'Mul', inputs: [`whole${index}`, 'prime'], outputs: [`multiple${index}`] },
    { op: 'Sub', inputs: [`product${index}`, `multiple${index}`], outputs: [`x${index + 1}`] },
  ])
  const factors = indexes.map((index) => [`w${index}`, tensorOf(chain.factor(index))] as const)
  return buildModelBytes({
    nodes,
    weights: { ...Object.fromEntries(factors), prime: scalar(chainPrime), inverse: scalar(1 / chainPrime) },
    inputs: [{ name: 'x0', dtype: 'float32', dims: [chain.sizes[0] ?? 0, columns] }],
    outputs: [{ name: `x${layers}`, dtype: 'float32', dims: [chain.sizes[layers] ?? 0, columns] }],
  })
}

/** Runs the chain of a seed in a child process of the pool, as any task runs. */
export const runChain = async (
  seed: Hex,
  work: Omit<ChainWork, 'part'>,
  { pool, world }: { readonly pool: Pick<RuntimePool, 'run'>; readonly world: World },
  signal: AbortSignal,
): Promise<ChainRun> => {
  const startedAt = world.elapsed()
  const chain = chainOf(seed, work)
  const model = chainModel(chain, work.columns)
  const madeMs = world.elapsed() - startedAt
  const name = `x${work.layers}`
  const { outputs, meter } = await pool.run({
    program: { cid: `benchmark ${seed}`, model: async () => model },
    inputs: new Map([['x0', encodeTensor(tensorOf(chain.start()))]]),
    group: benchmarkGroup,
    signal,
    limits: { timeoutMs },
  })
  const output = outputs.get(name)
  if (output === undefined)
    throw new MusterError({ code: 'workload_failed', message: 'The runtime gave no output of the benchmark.' })
  const us = (ms: number): number => Math.round(ms * 1000)
  return { output, prepareUs: us(madeMs + meter.loadMs), runUs: us(meter.wallMs - meter.loadMs) }
}
