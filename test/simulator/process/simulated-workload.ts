import { execSpecDigest } from '@muster/graph'
import { MusterError, sleep, type Address, type AttemptId, type Cid, type World } from '@muster/protocol'
import type { Workload, WorkloadOutput } from '@muster/agent'
import type { ReadBlob } from '../../../agent/workload/workload.ts'
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
  /** How long a program takes to arrive and be ready, the first time on this machine since it started; at once, unless it is said. */
  readonly fetchMs?: (program: Cid) => number
}

const outputsOf = (attempt: AttemptId, outputBytes: number): WorkloadOutput[] => {
  if (outputBytes === 0) return []
  return [{ name: 'y', bytes: tensorOf(outputBytes, attempt) }]
}

/** One for each call: a promise that all wait for would keep all of them. */
const never = (): Promise<never> => new Promise(() => {})

const crashed = (): MusterError => new MusterError({ code: 'program_crashed', message: 'The program ended by itself.' })

/** Work that takes virtual time and ends as planned, and tells what really ran where. */
export const createSimulatedWorkload = (kind: 'noop' | 'graph', options: SimulatedWorkloadOptions): Workload => {
  const { provider, slots, slowness, world, random, runs } = options
  const here = new Map<Cid, Promise<void>>()
  const fetchProgram = async (program: Cid, ms: number, readBlob: ReadBlob, signal: AbortSignal): Promise<void> => {
    await readBlob(program, signal)
    await sleep(world, ms, signal)
  }
  return {
    kind,
    execSpec: kind === 'graph' ? execSpecDigest : '',
    prepare: async (program, readBlob, signal) => {
      if (program === null || options.fetchMs === undefined) return
      const ready = here.get(program) ?? fetchProgram(program, options.fetchMs(program), readBlob, signal)
      here.set(program, ready)
      await ready.catch((error: unknown) => {
        if (here.get(program) === ready) here.delete(program)
        throw error
      })
    },
    run: async ({ attempt, inputs, readBlob }, signal) => {
      if (!options.isAlive()) return never()
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
