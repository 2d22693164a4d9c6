import { digestOf, type Digest } from '@muster/protocol'
import { maxOpset, operatorTableDigest } from '../operator/operator-table.ts'
import { irVersions } from './check-program.ts'

/** Everything besides the model and the inputs that an output's bits depend on: the eight pins of docs/spec/program.md. */
export interface ExecSpec {
  readonly kind: 'exec-spec'
  readonly version: 1
  readonly engine: 'onnxruntime-web'
  readonly engineVersion: string
  /** SHA-256 of `ort-wasm-simd-threaded.wasm`. */
  readonly engineBinary: Digest
  readonly executionProvider: 'wasm'
  readonly model: 'as-published'
  readonly graphOptimizationLevel: 'disabled'
  readonly numThreads: 1
  readonly weights: 'initializers'
  readonly operators: Digest
  readonly maxOpset: number
  readonly maxIrVersion: number
  readonly tensor: 'MTN1'
  readonly nan: 'canonical'
  readonly casts: 'explicit'
}

/** The exec spec of this release. A runtime proves that it follows it, or does not start. */
export const execSpec: ExecSpec = {
  kind: 'exec-spec',
  version: 1,
  engine: 'onnxruntime-web',
  engineVersion: '1.30.0',
  engineBinary: '0x3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2' as Digest,
  executionProvider: 'wasm',
  model: 'as-published',
  graphOptimizationLevel: 'disabled',
  numThreads: 1,
  weights: 'initializers',
  operators: operatorTableDigest(),
  maxOpset,
  maxIrVersion: irVersions.max,
  tensor: 'MTN1',
  nan: 'canonical',
  casts: 'explicit',
}

/** The digest by which programs and claims name the exec spec. */
export const execSpecDigest: Digest = digestOf(execSpec)
