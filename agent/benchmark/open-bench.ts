import { vectorDigests, vectorProgram } from '@muster/graph'
import type { World } from '@muster/protocol'
import type { RuntimePool } from '@muster/runtime'
import type { Bench } from './bench.ts'
import { readGpuFigures } from './gpu-figures.ts'
import { measureDisk } from './measure-disk.ts'
import { measureMemory } from './measure-memory.ts'
import { benchmarkGroup, runChain } from './run-chain.ts'

export interface BenchOptions {
  readonly directory: string
  readonly nvidiaSmi: string
}

/** Measures this machine, with the pool that runs its tasks. */
export const openBench = (
  { directory, nvidiaSmi }: BenchOptions,
  { pool, world }: { readonly pool: Pick<RuntimePool, 'run'>; readonly world: World },
): Bench => ({
  vector: async (signal) => {
    const { model, inputs } = vectorProgram()
    const program = { cid: 'reproducibility vector', model: async () => model }
    const { outputs } = await pool.run({ program, inputs, group: benchmarkGroup, signal })
    return vectorDigests(outputs)
  },
  compute: (seed, work, signal) => runChain(seed, work, { pool, world }, signal),
  memory: (signal) => measureMemory(world, signal),
  disk: (signal) => measureDisk(directory, world, signal),
  gpus: () => readGpuFigures(nvidiaSmi),
})
