import type { ChainWork, Digest, GpuFigures, Hex, MachineFindings } from '@muster/protocol'

/** The last matrix of a chain and how long it took. */
export interface ChainRun {
  /** The matrix as a tensor blob. */
  readonly output: Uint8Array
  /** Making and loading the program, and running it. */
  readonly prepareUs: number
  readonly runUs: number
}

/** What can be measured of a machine. An aborted signal ends a measurement soon, with `cancelled`. */
export interface Bench {
  /** Runs the reproducibility vector: digests of its outputs, in its order. */
  vector(signal: AbortSignal): Promise<readonly Digest[]>
  /** Runs the matrices of a seed in the pinned runtime, as a task would run. */
  compute(seed: Hex, work: Omit<ChainWork, 'part'>, signal: AbortSignal): Promise<ChainRun>
  memory(signal: AbortSignal): Promise<MachineFindings['memory']>
  disk(signal: AbortSignal): Promise<MachineFindings['disk']>
  gpus(): Promise<readonly GpuFigures[]>
}
