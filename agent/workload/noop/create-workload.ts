import { MusterError } from '@muster/protocol'
import type { Workload } from '../workload.ts'

const nothing = { outputs: [], cpuMs: 0, peakMemoryBytes: 0 } as const

/** Does nothing and is done at once: what is left is the path around it, which is what benchmarks measure. */
export const createNoopWorkload = (): Workload => {
  let isStopped = false
  return {
    kind: 'noop',
    execSpec: '',
    prepare: async () => {},
    run: (_task, signal) =>
      isStopped || signal.aborted
        ? Promise.reject(new MusterError({ code: 'cancelled', message: 'This attempt was cancelled.' }))
        : nothing,
    stop: async () => {
      isStopped = true
    },
  }
}
