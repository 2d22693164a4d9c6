import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { InferenceSession } from 'onnxruntime-web'

export interface Engine {
  /** A session of a model, by the exec spec: no optimisation, one thread. */
  readonly open: (model: Uint8Array) => Promise<InferenceSession>
  readonly Tensor: typeof import('onnxruntime-web').Tensor
}

export class UnpinnedError extends Error {
  override readonly name = 'UnpinnedError'
}

/**
 * Loads the WebAssembly build of ONNX Runtime from the very bytes whose SHA-256 was checked.
 * @param binary SHA-256 the engine must have, as `0x` and hexadecimal digits
 */
export const openEngine = async (binary: string): Promise<Engine> => {
  const bytes = await readFile(fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')))
  const found = `0x${createHash('sha256').update(bytes).digest('hex')}`
  if (found !== binary) throw new UnpinnedError(`the engine's binary is ${found}; the exec spec pins ${binary}`)
  const { env, InferenceSession, Tensor } = await import('onnxruntime-web')
  env.logLevel = 'fatal'
  env.wasm.numThreads = 1
  env.wasm.proxy = false
  env.wasm.wasmBinary = bytes
  const open = (model: Uint8Array): Promise<InferenceSession> =>
    InferenceSession.create(model, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    })
  return { open, Tensor }
}
