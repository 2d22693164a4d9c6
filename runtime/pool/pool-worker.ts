import { execSpec, readTensorHeader, scanModel } from '@muster/graph'
import { MusterError } from '@muster/protocol'
import type { LoadedAnswer, RanAnswer, WorkerRequest } from '../worker/message.ts'
import type { CompiledPoolOptions } from './pool-options.ts'
import type { RunRequest, RunResult } from './run-request.ts'
import { startWorker, type WorkerReply } from './start-worker.ts'
import { exitFailure, failureOf } from './worker-failure.ts'

/** A child process with the programs it has loaded. */
export interface PoolWorker {
  readonly pid: number
  /** Whose runs it takes. */
  readonly group: string
  /** Whether it was ended, or ended itself, and takes no more runs. */
  readonly isEnding: () => boolean
  /** Whether no run of any program has touched it yet. */
  readonly isFresh: () => boolean
  readonly hasLoaded: (program: string) => boolean
  readonly loadedCount: () => number
  /** Runs a request; `onStart` is called when the time limit begins. */
  readonly run: (request: RunRequest, onStart: () => void) => Promise<RunResult>
  readonly kill: () => void
  readonly ended: Promise<unknown>
}

const invalidReply = (program: string): MusterError =>
  new MusterError({
    code: 'program_crashed',
    message: 'The program made its process answer nonsense; the process was ended.',
    facts: { program },
  })

/** Starts a child for runs of one group. */
export const createPoolWorker = (options: CompiledPoolOptions, group: string): PoolWorker => {
  const child = startWorker(options)
  /** Operators of each loaded program; the least recently used first. */
  const loaded = new Map<string, number>()
  let isReady = false
  let isFresh = true
  let isEnding = false
  const kill = (): void => {
    isEnding = true
    child.kill()
  }
  void child.exit.then(() => {
    isEnding = true
  })

  const need = async <T extends WorkerReply['answer']['type']>(
    reply: Promise<WorkerReply | null>,
    type: T,
    program: string,
  ): Promise<{ answer: Extract<WorkerReply['answer'], { type: T }>; parts: readonly Uint8Array[] }> => {
    const context = { program, memoryBytes: options.memoryBytes }
    const got = await reply
    if (got === null) throw exitFailure(await child.exit, context, isReady)
    const { answer, parts } = got
    if (answer.type === 'failed') {
      if (answer.kind === 'broken' || answer.kind === 'memory' || answer.kind === 'unpinned') kill()
      throw failureOf(answer, context)
    }
    if (answer.type === type) return { answer: answer as Extract<WorkerReply['answer'], { type: T }>, parts }
    kill()
    throw invalidReply(program)
  }

  const bound = (what: string, bytes: number): void => {
    if (bytes <= options.maxBodyBytes) return
    throw new MusterError({
      code: 'tensor_invalid',
      message: `The ${what} is ${bytes} bytes, more than this runtime's limit of ${options.maxBodyBytes}.`,
      facts: { path: what, expected: `at most ${options.maxBodyBytes} bytes`, found: `${bytes} bytes` },
    })
  }

  const load = async (request: RunRequest, model: Uint8Array): Promise<LoadedAnswer> => {
    const program = request.program.cid
    bound('model', model.length)
    const { operators } = scanModel(model)
    for (const old of loaded.keys()) {
      if (loaded.size < options.sessionsPerProcess) break
      child.tell({ type: 'drop', program: old })
      loaded.delete(old)
    }
    const { answer } = await need(child.ask({ type: 'load', program }, [model]), 'loaded', program)
    loaded.set(program, operators)
    return answer
  }

  const run: PoolWorker['run'] = async (request, onStart) => {
    const program = request.program.cid
    await need(child.ready, 'ready', program)
    isReady = true
    const blobs = [...request.inputs.values()]
    bound(
      'input',
      blobs.reduce((total, blob) => total + blob.length, 0),
    )
    const model = loaded.has(program) ? null : await request.program.model()
    onStart()
    isFresh = false
    const startedAt = performance.now()
    const loading = model === null ? null : await load(request, model)
    const loadedAt = performance.now()
    const operators = loaded.get(program) ?? 0
    loaded.delete(program)
    loaded.set(program, operators)
    const message: WorkerRequest = {
      type: 'run',
      program,
      inputs: [...request.inputs.keys()],
      outputs: request.outputs ?? null,
    }
    const { answer, parts } = await need(child.ask(message, blobs), 'ran', program)
    const endedAt = performance.now()
    if (!isSane(answer, parts, request)) {
      kill()
      throw invalidReply(program)
    }
    const outputs = new Map(answer.outputs.map((name, index) => [name, parts[index] ?? new Uint8Array(0)]))
    const meter = {
      wallMs: endedAt - startedAt,
      loadMs: loadedAt - startedAt,
      cpuMs: answer.usage.cpuMs + (loading?.usage.cpuMs ?? 0),
      peakRssBytes: Math.max(answer.usage.peakRssBytes, loading?.usage.peakRssBytes ?? 0),
      operators,
    }
    return { outputs, meter }
  }

  return {
    pid: child.pid,
    group,
    isEnding: () => isEnding,
    isFresh: () => isFresh,
    hasLoaded: (program) => loaded.has(program),
    loadedCount: () => loaded.size,
    run,
    kill,
    ended: child.exit,
  }
}

/** The child runs a stranger's model; what it answers is looked at before it is believed. */
const isSane = (answer: RanAnswer, parts: readonly Uint8Array[], request: RunRequest): boolean => {
  const { outputs, usage } = answer
  const isNamed = Array.isArray(outputs) && outputs.every((name) => typeof name === 'string')
  if (!isNamed || parts.length !== outputs.length) return false
  if (request.outputs !== undefined && request.outputs.join('\n') !== outputs.join('\n')) return false
  if (!Number.isFinite(usage.cpuMs) || !Number.isFinite(usage.peakRssBytes)) return false
  try {
    for (const part of parts) readTensorHeader(part)
    return true
  } catch {
    return false
  }
}

/** The engine's digest that children must have where the pool's options name none. */
export const pinnedBinary: string = execSpec.engineBinary
