export { readExecSpec } from './engine/read-exec-spec.ts'
export {
  createRuntimePool,
  type PoolStatus,
  type RuntimeEvent,
  type RuntimePool,
  type RuntimePoolModules,
  type StopReason,
} from './pool/create-runtime-pool.ts'
export type { RuntimePoolOptions } from './pool/pool-options.ts'
export type { ProgramSource, RunMeter, RunRequest, RunResult } from './pool/run-request.ts'
