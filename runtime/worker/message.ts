/** What the pool asks of a worker; the bytes named travel as the parts of the same frame, in this order. */
export type WorkerRequest = LoadRequest | DropRequest | RunRequest

/** Make a session of the model in the only part. */
export interface LoadRequest {
  readonly type: 'load'
  readonly program: string
}

/** Forget a session. Not answered. */
export interface DropRequest {
  readonly type: 'drop'
  readonly program: string
}

/** Run a loaded program on the tensor blobs in the parts, one for each name. */
export interface RunRequest {
  readonly type: 'run'
  readonly program: string
  readonly inputs: readonly string[]
  /** All outputs where null. */
  readonly outputs: readonly string[] | null
}

export type WorkerAnswer = ReadyAnswer | LoadedAnswer | RanAnswer | FailedAnswer

/** The engine is up and is the pinned one. */
export interface ReadyAnswer {
  readonly type: 'ready'
}

export interface LoadedAnswer {
  readonly type: 'loaded'
  readonly usage: Usage
}

/** The outputs named; the parts are their tensor blobs. */
export interface RanAnswer {
  readonly type: 'ran'
  readonly outputs: readonly string[]
  readonly usage: Usage
}

export interface Usage {
  readonly cpuMs: number
  /** Highest resident memory seen since the request came. */
  readonly peakRssBytes: number
}

/**
 * `unpinned`: the engine is not the pinned one. `refused`: the engine does not take the model. `input`: it does not take
 * the inputs. `failed`: an operator failed. `memory`: the cap was reached. `broken`: the engine trapped and must not be
 * used again.
 */
export type FailureKind = 'unpinned' | 'refused' | 'input' | 'failed' | 'memory' | 'broken'

export interface FailedAnswer {
  readonly type: 'failed'
  readonly kind: FailureKind
  readonly detail: string
}
