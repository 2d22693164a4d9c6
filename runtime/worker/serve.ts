import type { Socket } from 'node:net'
import { canonicalizeNan, isDtype, layTensorHead, parseTensor } from '@muster/graph/tensor'
import type { InferenceSession, Tensor } from 'onnxruntime-web'
import { createFrameReader, layFrame, type Frame, type PartToSend } from '../frame/frame.ts'
import type { FailureKind, RunRequest, Usage, WorkerAnswer, WorkerRequest } from './message.ts'
import { openEngine, UnpinnedError, type Engine } from './open-engine.ts'
import { sayFailure } from './say-failure.ts'

export interface ServeOptions {
  /** SHA-256 of the engine, `0x…`. */
  readonly binary: string
  readonly maxBodyBytes: number
  /** Highest resident memory in KiB, kept by the guard. */
  readonly peakKib: Int32Array
}

class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly kind: FailureKind
  constructor(kind: FailureKind, detail: string) {
    super(detail)
    this.kind = kind
  }
}

/** Answers the pool's requests on a socket, one at a time, until it closes. */
export const serve = async (socket: Socket, options: ServeOptions): Promise<void> => {
  const answer = (head: WorkerAnswer, parts: readonly PartToSend[] = []): void => {
    socket.cork()
    for (const bytes of layFrame(head, parts)) socket.write(bytes)
    socket.uncork()
  }

  const measure = (): (() => Usage) => {
    const cpu = process.cpuUsage()
    Atomics.store(options.peakKib, 0, 0)
    return () => {
      const { user, system } = process.cpuUsage(cpu)
      const peak = Math.max(process.memoryUsage.rss(), Atomics.load(options.peakKib, 0) * 1024)
      return { cpuMs: (user + system) / 1000, peakRssBytes: peak }
    }
  }

  const sessions = new Map<string, InferenceSession>()
  let engine: Engine
  try {
    engine = await openEngine(options.binary)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    answer({ type: 'failed', kind: error instanceof UnpinnedError ? 'unpinned' : 'broken', detail })
    return
  }

  const run = async (request: RunRequest, parts: readonly Uint8Array[]): Promise<void> => {
    const done = measure()
    const session = sessions.get(request.program)
    if (session === undefined) throw new RequestError('broken', 'the program is not loaded')
    const feeds = new Map<string, Tensor>()
    for (const [index, name] of request.inputs.entries()) {
      const tensor = parseTensor(parts[index] ?? new Uint8Array(0))
      if ('expected' in tensor) {
        throw new RequestError('input', `${name}.${tensor.path} should be ${tensor.expected}, found ${tensor.found}`)
      }
      if (!session.inputNames.includes(name)) throw new RequestError('input', `the program has no input "${name}"`)
      feeds.set(name, new engine.Tensor(tensor.dtype, tensor.data, tensor.dims))
    }
    const missing = session.inputNames.filter((name) => !feeds.has(name))
    if (missing.length > 0) throw new RequestError('input', `the input "${missing.join('", "')}" is missing`)
    const names = request.outputs ?? session.outputNames
    const unknown = names.filter((name) => !session.outputNames.includes(name))
    if (unknown.length > 0) throw new RequestError('input', `the program has no output "${unknown.join('", "')}"`)

    const results = await session.run(Object.fromEntries(feeds), names)
    const blobs = names.map((name) => {
      const tensor = results[name]
      if (tensor === undefined || !isDtype(tensor.type) || !ArrayBuffer.isView(tensor.data)) {
        throw new RequestError(
          'failed',
          `the output "${name}" is of type ${tensor?.type ?? 'none'}, which no tensor blob can hold`,
        )
      }
      const { buffer, byteOffset, byteLength } = tensor.data
      const elements = new Uint8Array(buffer, byteOffset, byteLength)
      canonicalizeNan(tensor.type, elements)
      return [layTensorHead(tensor.type, tensor.dims), elements] as const
    })
    const total = blobs.reduce((sum, [head, elements]) => sum + head.length + elements.length, 0)
    if (total > options.maxBodyBytes) {
      throw new RequestError('memory', `the outputs are ${total} bytes, more than the limit of ${options.maxBodyBytes}`)
    }
    answer({ type: 'ran', outputs: names, usage: done() }, blobs)
  }

  const handle = async ({ head, parts }: Frame): Promise<void> => {
    const request = head as WorkerRequest
    try {
      if (request.type === 'run') return await run(request, parts)
      await sessions.get(request.program)?.release()
      sessions.delete(request.program)
      if (request.type === 'drop') return
      const done = measure()
      sessions.set(request.program, await engine.open(parts[0] ?? new Uint8Array(0)))
      answer({ type: 'loaded', usage: done() })
    } catch (error) {
      if (error instanceof RequestError) answer({ type: 'failed', kind: error.kind, detail: error.message })
      else answer({ type: 'failed', ...sayFailure(error, request.type === 'load' ? 'load' : 'run') })
    }
  }

  let last: Promise<void> = Promise.resolve()
  const read = createFrameReader({ headBytes: 2 ** 20, bodyBytes: options.maxBodyBytes }, (frame) => {
    last = last.then(() => handle(frame))
  })
  socket.on('data', read)
  answer({ type: 'ready' })
}
