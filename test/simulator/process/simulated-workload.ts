import { execSpecDigest } from '@muster/graph'
import { MusterError, sleep, type Address, type AttemptId, type World } from '@muster/protocol'
import type { Workload, WorkloadOutput } from '@muster/agent'
import type { ProgramPlan } from '../scenario/scenario.ts'
import type { Random } from '../world/random.ts'
import type { RunsWatch } from '../invariant/watch-runs.ts'
import { tensorOf } from './simulated-program.ts'

export interface SimulatedWorkloadOptions {
  readonly provider: Address
  readonly slots: number
  readonly slowness: number
  readonly world: World
  readonly isAlive: () => boolean
  readonly random: Random
  readonly runs: RunsWatch
  readonly programOf: (attempt: AttemptId) => ProgramPlan
}

const outputsOf = (attempt: AttemptId, outputBytes: number): WorkloadOutput[] => {
  if (outputBytes === 0) return []
  return [{ name: 'y', bytes: tensorOf(outputBytes, attempt) }]
}

const never = new Promise<never>(() => {})

const crashed = (): MusterError => new MusterError({ code: 'program_crashed', message: 'The program ended by itself.' })

/** Work that takes virtual time and ends as planned, and tells what really ran where. */
export const createSimulatedWorkload = (kind: 'noop' | 'graph', options: SimulatedWorkloadOptions): Workload => {
  const { provider, slots, slowness, world, random, runs } = options
  return {
    kind,
    execSpec: kind === 'graph' ? execSpecDigest : '',
    prepare: async () => {},
    run: async ({ attempt, inputs, readBlob }, signal) => {
      if (!options.isAlive()) return never
      const program = options.programOf(attempt)
      const end = runs.started(provider, slots, attempt)
      let isDone = false
      try {
        for (const { cid } of inputs) await readBlob(cid, signal)
        if (program.kind === 'hanging' && random.chance(0.5)) await sleep(world, 3_600_000, signal)
        const ranMs = random.between(program.minMs, program.maxMs) * slowness
        if (ranMs > 0) await sleep(world, ranMs, signal)
        if (program.kind === 'failing' || (program.kind === 'flaky' && random.chance(0.4))) throw crashed()
        isDone = !signal.aborted
        return { outputs: outputsOf(attempt, program.outputBytes), cpuMs: ranMs, peakMemoryBytes: 1 }
      } finally {
        end(isDone)
      }
    },
    stop: async () => {},
  }
}
