import type { Tensor } from '@muster/graph'
import { env, InferenceSession, Tensor as EngineTensor } from 'onnxruntime-web'
import { buildDetector } from '../program/build-detector.ts'
import { buildRecogniser } from '../program/build-recogniser.ts'
import type { PublishedModels } from '../program/published.ts'
import type { OcrModels } from '../read-pages.ts'

export type LocalModels = OcrModels & {
  /** Milliseconds spent inside the two programs so far. */
  readonly spent: { detectMs: number; recogniseMs: number }
}

/** Runs the programs in this process, as the exec spec wants them run: one thread, unoptimised, WebAssembly. */
export const createLocalModels = async (published: PublishedModels): Promise<LocalModels> => {
  env.wasm.numThreads = 1
  const options: InferenceSession.SessionOptions = { executionProviders: ['wasm'], graphOptimizationLevel: 'disabled' }
  const detector = await InferenceSession.create(buildDetector(published.detector), options)
  const recogniser = await InferenceSession.create(buildRecogniser(published.recogniser), options)
  const spent = { detectMs: 0, recogniseMs: 0 }
  return {
    spent,
    detect: (pages) => runEach(detector, 'page', 'map', pages, (tookMs) => (spent.detectMs += tookMs)),
    recognise: (lines) => runEach(recogniser, 'line', 'steps', lines, (tookMs) => (spent.recogniseMs += tookMs)),
  }
}

const runEach = async (
  session: InferenceSession,
  input: string,
  output: string,
  tensors: readonly Tensor[],
  onTime: (tookMs: number) => void,
): Promise<readonly Tensor[]> => {
  const answers: Tensor[] = []
  for (const { dtype, dims, data } of tensors) {
    if (dtype !== 'uint8') throw new TypeError(`the programs take uint8, not ${dtype}`)
    const started = performance.now()
    const results = await session.run({ [input]: new EngineTensor('uint8', data, dims) })
    onTime(performance.now() - started)
    answers.push(fromEngine(results[output]))
  }
  return answers
}

const fromEngine = (tensor: EngineTensor | undefined): Tensor => {
  if (tensor?.type === 'uint8') return { dtype: 'uint8', dims: tensor.dims, data: tensor.data as Uint8Array }
  if (tensor?.type === 'float32') return { dtype: 'float32', dims: tensor.dims, data: tensor.data as Float32Array }
  throw new TypeError(`the program answered with ${tensor?.type ?? 'nothing'}`)
}
