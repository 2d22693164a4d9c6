import { MusterError } from '@muster/protocol'

const mebibyte = 2 ** 20

export interface RuntimePoolOptions {
  /** Most child processes at once; each runs one task at a time on one thread. */
  readonly processes: number
  /** Most resident memory of one child. At least 384 MiB; the engine itself takes about 150. */
  readonly memoryBytes: number
  /** Time limit of a run that sets none: loading the program and running it, not waiting for a child. */
  readonly taskTimeoutMs: number
  /** Programs a child keeps loaded; 4 unless told. */
  readonly sessionsPerProcess?: number
  /** A child unused so long is stopped; 60 s unless told. */
  readonly idleMs?: number
  /** Most bytes of a run's inputs, of its outputs, or of a model; 2 GiB unless told. */
  readonly maxBodyBytes?: number
  /** The user to run children as, where this process may choose (it is root). */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** SHA-256 of the engine children must have; the exec spec's unless told. */
  readonly engineBinary?: string
}

export interface CompiledPoolOptions {
  readonly processes: number
  readonly memoryBytes: number
  /** What of `memoryBytes` the engine's linear memory may take. */
  readonly wasmBytes: number
  readonly taskTimeoutMs: number
  readonly sessionsPerProcess: number
  readonly idleMs: number
  readonly maxBodyBytes: number
  readonly user: { readonly uid: number; readonly gid: number } | null
  readonly engineBinary: string
}

const minMemoryBytes = 384 * mebibyte
/** Node, the engine's code and the buffers of one frame live outside the linear memory. */
const outsideBytes = 192 * mebibyte

const atLeast = (path: string, value: number, minimum: number): number => {
  if (Number.isFinite(value) && value >= minimum) return value
  throw new MusterError({
    code: 'request_invalid',
    message: `The runtime pool cannot be made: ${path} should be at least ${minimum}, found ${value}.`,
    facts: { path, expected: `at least ${minimum}`, found: value },
  })
}

/** Checks the options and fills in what was left out. Throws `request_invalid`. */
export const compilePoolOptions = (options: RuntimePoolOptions, engineBinary: string): CompiledPoolOptions => ({
  processes: Math.floor(atLeast('processes', options.processes, 1)),
  memoryBytes: atLeast('memoryBytes', options.memoryBytes, minMemoryBytes),
  wasmBytes: options.memoryBytes - outsideBytes,
  taskTimeoutMs: atLeast('taskTimeoutMs', options.taskTimeoutMs, 1),
  sessionsPerProcess: Math.floor(atLeast('sessionsPerProcess', options.sessionsPerProcess ?? 4, 1)),
  idleMs: atLeast('idleMs', options.idleMs ?? 60_000, 0),
  maxBodyBytes: atLeast('maxBodyBytes', options.maxBodyBytes ?? 2048 * mebibyte, 1),
  user: options.user ?? null,
  engineBinary: options.engineBinary ?? engineBinary,
})
