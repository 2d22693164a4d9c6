import type { AttemptId, Cid, Digest, NamedBlob, RuntimeKind } from '@muster/protocol'

/** Gives a blob from the cache, or from the market where it is not there yet. Rejects with the problem the market gave, `timeout`, or `cancelled`. */
export type ReadBlob = (cid: Cid, signal: AbortSignal) => Promise<Uint8Array>

export interface WorkloadLimits {
  /** Wall time from the start on the slot. */
  readonly timeoutMs: number
  readonly memoryBytes: number
  readonly cpuMilli: number
}

/** One attempt as a workload sees it. */
export interface WorkloadTask {
  readonly attempt: AttemptId
  /** The tenant: work of different groups shares no process. */
  readonly group: string
  readonly program: Cid | null
  readonly inputs: readonly NamedBlob[]
  readonly limits: WorkloadLimits
  readonly readBlob: ReadBlob
  /** One line for whoever reads the attempt's log. */
  readonly log: (line: string) => void
}

export interface WorkloadOutput {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface WorkloadResult {
  readonly outputs: readonly WorkloadOutput[]
  /** What the machine spent; the wall time is measured by the caller. */
  readonly cpuMs: number
  readonly peakMemoryBytes: number
}

/**
 * One way of running strangers' work; `workload-compliance.ts` holds every implementation to it.
 *
 * There is no `checkpoint`: a graph or no-op attempt is one call of a function without state, and running it again costs
 * no more than restoring it would. The first runtime with state worth keeping (a training loop, a container) brings it.
 */
export interface Workload {
  readonly kind: RuntimeKind
  /** Digest of the exec spec its results are pinned to; empty where it has none. */
  readonly execSpec: Digest | ''
  /**
   * Gets a program ready to run; asked for each attempt, so the second time is cheap. Not part of an attempt's time.
   * Rejects with `program_refused`, `runtime_unpinned`, or what `readBlob` rejects with.
   */
  prepare(program: Cid | null, readBlob: ReadBlob, signal: AbortSignal): Promise<void>
  /**
   * Runs one attempt outside this process's reach of harm. An aborted signal ends it, with whatever it had started, and
   * rejects promptly. Rejects with `program_crashed`, `program_timeout`, `program_memory`, `tensor_invalid`, `cancelled`.
   * What is done at once may be given without a promise.
   */
  run(task: WorkloadTask, signal: AbortSignal): Promise<WorkloadResult> | WorkloadResult
  /** Ends everything it runs; what is asked of it afterwards rejects. */
  stop(): Promise<void>
}
