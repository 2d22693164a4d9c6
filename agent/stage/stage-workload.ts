import { MusterError, type AttemptId, type Cid } from '@muster/protocol'
import type { Workload, WorkloadResult, WorkloadTask } from '../workload/workload.ts'

interface Run {
  readonly task: WorkloadTask
  readonly finish: (result?: Partial<WorkloadResult>) => void
  readonly fail: (error: unknown) => void
}

/** A workload that runs until a test says how it ends. */
export interface StageWorkload extends Workload {
  readonly runs: Map<AttemptId, Run>
  /** Every attempt that was ever begun, in order. */
  readonly begun: AttemptId[]
  readonly cancelled: AttemptId[]
}

export const createStageWorkload = (kind: Workload['kind'] = 'noop'): StageWorkload => {
  const runs = new Map<AttemptId, Run>()
  const begun: AttemptId[] = []
  const cancelled: AttemptId[] = []
  return {
    kind,
    execSpec: '',
    runs,
    begun,
    cancelled,
    prepare: async (program: Cid | null, readBlob, signal) => {
      if (program !== null) await readBlob(program, signal)
    },
    run: (task, signal) =>
      new Promise((resolve, reject) => {
        begun.push(task.attempt)
        const leave = () => runs.delete(task.attempt)
        runs.set(task.attempt, {
          task,
          finish: (result = {}) => {
            leave()
            resolve({ outputs: [], cpuMs: 0, peakMemoryBytes: 0, ...result })
          },
          fail: (error) => {
            leave()
            reject(error)
          },
        })
        signal.addEventListener('abort', () => {
          if (!leave()) return
          cancelled.push(task.attempt)
          reject(new MusterError({ code: 'cancelled', message: 'cancelled' }))
        })
      }),
    stop: async () => {},
  }
}
