import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { fromProblem, MusterError, type Cid, type Log, type World } from '@muster/protocol'
import { blobMissing } from '../blob/blob-errors.ts'
import type { BlobStore } from '../blob/blob-store.ts'
import type { CheckModel } from './check-model.ts'
import type { ModelVerdict } from './model-verdict.ts'

export interface ModelCheckerOptions {
  /** What every check may take, in ms; a large model gets its size by `bytesPerMs` on top. */
  readonly timeLimitMs?: number
  readonly bytesPerMs?: number
  /** Of the heap of a check; the model itself comes on top. */
  readonly memoryMib?: number
  /** Models that may wait for their turn. */
  readonly maxWaiting?: number
  /** The program of the process. */
  readonly entry?: URL
}

export interface ModelChecker {
  readonly check: CheckModel
  /** Ends the process; checks under way and waiting are refused as `unavailable`. */
  close(): Promise<void>
}

interface Asked {
  readonly model: Cid
  readonly blobs: BlobStore
  readonly settle: PromiseWithResolvers<Cid>
}

/** After how long a model that was too slow or too large to check is looked at again. */
const recheckAfterMs = 600_000
const busyRetryMs = 5_000

const refused = (model: Cid, what: 'time' | 'memory', most: string): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: `Checking this model takes more ${what} than the market gives a model (${most}); make it smaller or split it. Nothing was charged.`,
    facts: { model, expected: `at most ${most} of ${what}`, found: 'more' },
    retry: 'later',
    retryAfterMs: recheckAfterMs,
  })

const unavailable = (message: string, model: Cid): MusterError =>
  new MusterError({ code: 'unavailable', message, facts: { model }, retryAfterMs: busyRetryMs })

/** The model behind its length, piece by piece. Rejects `blob_missing`. */
const framed = async (model: Cid, blobs: BlobStore): Promise<{ bytes: number; stream: AsyncIterable<Uint8Array> }> => {
  const bytes = await blobs.size(model)
  if (bytes === undefined) throw blobMissing(model)
  const body = await blobs.stream(model)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(bytes))
  return {
    bytes,
    stream: (async function* () {
      yield head
      yield* body
    })(),
  }
}

/**
 * Checks models one at a time in a process of its own: no stranger's model holds the market up, and one that takes its
 * heap to the limit, which ends a whole process, does not end the market. A check that takes too long or too much memory is
 * refused, as the fault of its model, and the process is replaced. The process begins with the first check and stays.
 */
export const createModelChecker = (
  { world, log }: { readonly world: World; readonly log: Log },
  options: ModelCheckerOptions = {},
): ModelChecker => {
  const { timeLimitMs = 10_000, bytesPerMs = 20_000, memoryMib = 1_024, maxWaiting = 64 } = options
  const entry = fileURLToPath(options.entry ?? new URL('./model-process.ts', import.meta.url))
  const waiting: Asked[] = []
  let warm: ChildProcess | undefined
  let isBusy = false
  let isClosed = false

  const start = (): ChildProcess => {
    const started = fork(entry, [String(memoryMib)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      // A stranger's model is near: no secret of the market is.
      env: {},
    })
    const forget = () => {
      if (warm === started) warm = undefined
    }
    started.on('error', forget).on('exit', forget)
    started.stdin?.on('error', () => {})
    started.unref()
    started.channel?.unref()
    return started
  }

  const end = (process: ChildProcess): void => {
    if (warm === process) warm = undefined
    process.kill('SIGKILL')
  }

  const outcomeOf = (model: Cid, verdict: ModelVerdict): Cid => {
    if ('program' in verdict) return verdict.program
    if ('problem' in verdict) throw fromProblem(verdict.problem)
    if ('tooLarge' in verdict) throw refused(model, 'memory', `${memoryMib} MiB`)
    throw new Error(`the check of ${model} broke: ${verdict.broken}`)
  }

  const judge = async ({ model, blobs }: Asked): Promise<Cid> => {
    const { bytes, stream } = await framed(model, blobs)
    if (isClosed) throw unavailable('The market is shutting down; nothing was charged.', model)
    const { promise, resolve, reject } = Promise.withResolvers<Cid>()
    const process = (warm ??= start())
    const limitMs = timeLimitMs + Math.ceil(bytes / bytesPerMs)
    const timer = world.after(limitMs, () => {
      log.warn('a model took too long to check', { model, limitMs })
      reject(refused(model, 'time', `${limitMs} ms`))
      end(process)
    })
    const onVerdict = (verdict: ModelVerdict) => {
      try {
        resolve(outcomeOf(model, verdict))
      } catch (error) {
        reject(error)
        if (!('problem' in verdict)) end(process)
      }
    }
    const onExit = (code: number | null, signal: string | null) => {
      log.warn('the check of a model ended its process', { model, code, signal })
      if (signal === 'SIGABRT') return reject(refused(model, 'memory', `${memoryMib} MiB`))
      reject(unavailable('The check of this program broke off; nothing was charged. Try again.', model))
    }
    process.on('message', onVerdict).on('error', reject).on('exit', onExit)
    if (process.stdin !== null) {
      pipeline(Readable.from(stream, { objectMode: false }), process.stdin, { end: false }).catch((error: unknown) => {
        if (error instanceof MusterError) reject(error)
        end(process)
      })
    }
    try {
      return await promise
    } finally {
      timer.cancel()
      process.off('message', onVerdict).off('error', reject).off('exit', onExit)
    }
  }

  const work = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    for (let asked = waiting.shift(); asked !== undefined; asked = waiting.shift()) {
      try {
        asked.settle.resolve(await judge(asked))
      } catch (error) {
        asked.settle.reject(error)
      }
    }
    isBusy = false
  }

  return {
    check: (model, blobs) => {
      if (isClosed || waiting.length >= maxWaiting) {
        const why = isClosed ? 'is shutting down' : 'has as many programs to check as it takes'
        return Promise.reject(unavailable(`The market ${why}; nothing was charged. Try again in a moment.`, model))
      }
      const settle = Promise.withResolvers<Cid>()
      waiting.push({ model, blobs, settle })
      void work()
      return settle.promise
    },
    close: async () => {
      isClosed = true
      for (const { model, settle } of waiting.splice(0)) {
        settle.reject(unavailable('The market is shutting down; nothing was charged.', model))
      }
      const ending = warm
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
      ending.ref()
      ending.kill('SIGKILL')
      await once(ending, 'exit')
    },
  }
}
