/** A program to run: what a child keeps its session by, and where to get the model where it has none. */
export interface ProgramSource {
  /** Names the program; the same name must mean the same bytes. */
  readonly cid: string
  /** The ONNX file. Asked for only when no child has it loaded. The bytes must have been checked against their CID. */
  readonly model: () => Promise<Uint8Array>
}

export interface RunRequest {
  readonly program: ProgramSource
  /** Tensor blobs by the names of the program's inputs. */
  readonly inputs: ReadonlyMap<string, Uint8Array>
  /** Names of the outputs wanted; all where left out. */
  readonly outputs?: readonly string[]
  /** Runs of different groups never share a process: the tenant's or the lease's id. */
  readonly group?: string
  /** Aborting ends the process at once if the run is on. */
  readonly signal?: AbortSignal
  readonly limits?: { readonly timeoutMs?: number }
}

/** What a run used. */
export interface RunMeter {
  /** On its process: loading, where it had to, and running. */
  readonly wallMs: number
  /** What of it went into loading the program. */
  readonly loadMs: number
  /** Of all threads of the process. */
  readonly cpuMs: number
  /** Highest resident memory of the process seen while running: sampled, and at the end. */
  readonly peakRssBytes: number
  /** Nodes of the program that compute. */
  readonly operators: number
}

export interface RunResult {
  /** Tensor blobs, NaNs canonical: their SHA-256 are the outputs' digests. */
  readonly outputs: ReadonlyMap<string, Uint8Array>
  readonly meter: RunMeter
}
