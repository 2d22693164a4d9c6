import { decodeTensor, pinnedVector, vectorMismatches } from '@muster/graph'
import {
  chainOf,
  checkChain,
  MusterError,
  toHex,
  type ChainWork,
  type GpuFigures,
  type MatrixChain,
  type World,
} from '@muster/protocol'
import type { Bench } from './bench.ts'

/** What a machine showed its owner. Rates are per second; megabytes are millions of bytes. */
export interface MachineCheck {
  /** Operators of the reproducibility vector, and those whose output was not the pinned one. */
  readonly operators: readonly string[]
  readonly mismatches: readonly string[]
  /** Of one slot: what counts at a market, as long as the network adds little, and what the run alone came to. */
  readonly gflops: number
  readonly runGflops: number
  /** Whether the matrices came out right. */
  readonly isRight: boolean
  readonly memoryMBps: number
  readonly diskWriteMBps: number
  readonly diskReadMBps: number
  readonly gpus: readonly GpuFigures[]
}

/** As markets ask unless they are told otherwise. */
export const localWork: Omit<ChainWork, 'part'> = { width: 768, layers: 8, columns: 2048 }

const isChain = async (
  chain: MatrixChain,
  output: Uint8Array,
  random: (byteCount: number) => Uint8Array,
): Promise<boolean> => {
  try {
    const { data } = decodeTensor(output)
    return data instanceof Float32Array && (await checkChain(chain, data, random))
  } catch (error) {
    if (error instanceof MusterError) return false
    throw error
  }
}

const mbps = (bytes: number, us: number): number => bytes / Math.max(1, us)

/** Runs all of a benchmark but the network. */
export const checkMachine = async (
  bench: Bench,
  work: Omit<ChainWork, 'part'>,
  { random }: Pick<World, 'random'>,
  signal: AbortSignal,
): Promise<MachineCheck> => {
  const mismatches = vectorMismatches(await bench.vector(signal)) ?? pinnedVector.outputs.map(({ name }) => name)
  const memory = await bench.memory(signal)
  const disk = await bench.disk(signal)
  const seed = toHex(random(32))
  const chain = chainOf(seed, work)
  const { output, prepareUs, runUs } = await bench.compute(seed, work, signal)
  const isRight = await isChain(chain, output, random)
  return {
    operators: pinnedVector.outputs.map(({ name }) => name),
    mismatches,
    gflops: chain.flops / Math.max(1, prepareUs + runUs) / 1e3,
    runGflops: chain.flops / Math.max(1, runUs) / 1e3,
    isRight,
    memoryMBps: mbps(memory.bytes, memory.tookUs),
    diskWriteMBps: mbps(disk.bytes, disk.writeUs),
    diskReadMBps: mbps(disk.bytes, disk.readUs),
    gpus: await bench.gpus(),
  }
}
