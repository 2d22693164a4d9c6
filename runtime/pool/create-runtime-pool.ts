import { MusterError } from '@muster/protocol'
import { compilePoolOptions, type RuntimePoolOptions } from './pool-options.ts'
import { createPoolWorker, pinnedBinary, type PoolWorker } from './pool-worker.ts'
import type { RunRequest, RunResult } from './run-request.ts'
import { isMemoryFailure } from './worker-failure.ts'

/** What a pool has to tell its program's log. */
export type RuntimeEvent =
  | { readonly event: 'process_started'; readonly pid: number }
  | { readonly event: 'process_stopped'; readonly pid: number; readonly reason: StopReason }
  | { readonly event: 'run_failed'; readonly pid: number; readonly program: string; readonly code: string }

export type StopReason = 'ended' | 'idle' | 'other_group' | 'cancelled' | 'timeout' | 'closed'

export interface RuntimePoolModules {
  readonly log?: (event: RuntimeEvent) => void
}

export interface PoolStatus {
  readonly processes: number
  readonly running: number
  readonly waiting: number
}

/** Child processes that run programs; `create → run … → close`. Nothing is started before the first run. */
export interface RuntimePool {
  /**
   * Runs a program on its inputs in a child process of its own group; waits where all are busy.
   * Throws `tensor_invalid`, `program_refused`, `program_crashed`, `program_timeout`, `program_memory`, `cancelled`,
   * `runtime_unpinned`, or `workload_failed` where the machine is to blame. What `program.model` throws is passed on.
   */
  readonly run: (request: RunRequest) => Promise<RunResult>
  readonly status: () => PoolStatus
  /** Ends every child and every run, and resolves when all processes are gone. */
  readonly close: () => Promise<void>
}

interface Member {
  readonly worker: PoolWorker
  isBusy: boolean
  stopReason: StopReason
  idleTimer: NodeJS.Timeout | null
}

interface Waiting {
  readonly request: RunRequest
  readonly group: string
  readonly resolve: (result: RunResult) => void
  readonly reject: (error: unknown) => void
  /** Why it must not go on, where that is known before the run ends. */
  stopped: MusterError | null
  isRetry: boolean
}

const closedError = (): MusterError =>
  new MusterError({ code: 'workload_failed', message: 'The runtime is closing.', facts: {} })

const cancelledError = (request: RunRequest): MusterError =>
  new MusterError({
    code: 'cancelled',
    message: 'The run was cancelled.',
    facts: { program: request.program.cid },
    cause: request.signal?.reason,
  })

/** Makes a pool. Throws `request_invalid` where the options make none. */
export const createRuntimePool = (written: RuntimePoolOptions, modules: RuntimePoolModules = {}): RuntimePool => {
  const options = compilePoolOptions(written, pinnedBinary)
  const log = modules.log ?? (() => {})
  const members = new Set<Member>()
  const queue: Waiting[] = []
  const closing = new AbortController()

  const stop = (member: Member, reason: StopReason): void => {
    members.delete(member)
    if (member.idleTimer !== null) clearTimeout(member.idleTimer)
    member.stopReason = reason
    member.worker.kill()
  }

  const start = (group: string): Member => {
    const worker = createPoolWorker(options, group)
    const member: Member = { worker, isBusy: false, stopReason: 'ended', idleTimer: null }
    members.add(member)
    gone.add(worker.ended)
    log({ event: 'process_started', pid: worker.pid })
    void worker.ended.then(() => {
      members.delete(member)
      gone.delete(worker.ended)
      if (member.idleTimer !== null) clearTimeout(member.idleTimer)
      log({ event: 'process_stopped', pid: worker.pid, reason: member.stopReason })
      pump()
    })
    return member
  }
  const gone = new Set<Promise<unknown>>()

  /** The best child for a run: one that has the program, one with room, a new one, one that must forget another. */
  const choose = ({ group, request }: Waiting): Member | null => {
    const idle = [...members].filter(({ isBusy, worker }) => !isBusy && !worker.isEnding())
    const own = idle.filter(({ worker }) => worker.group === group)
    const warm = own.find(({ worker }) => worker.hasLoaded(request.program.cid))
    const roomy = own.find(({ worker }) => worker.loadedCount() < options.sessionsPerProcess)
    const known = warm ?? roomy
    if (known !== undefined) return known
    if (members.size < options.processes) return start(group)
    if (own[0] !== undefined) return own[0]
    const foreign = idle[0]
    if (foreign === undefined) return null
    stop(foreign, 'other_group')
    return start(group)
  }

  const pump = (): void => {
    while (queue.length > 0 && !closing.signal.aborted) {
      const waiting = queue[0]
      const member = waiting === undefined ? null : choose(waiting)
      if (waiting === undefined || member === null) return
      queue.shift()
      void serve(member, waiting)
    }
  }

  const rest = (member: Member): void => {
    member.isBusy = false
    if (member.worker.isEnding()) members.delete(member)
    if (!members.has(member)) return
    member.idleTimer = setTimeout(() => stop(member, 'idle'), options.idleMs)
    member.idleTimer.unref()
  }

  const serve = async (member: Member, waiting: Waiting): Promise<void> => {
    const { request } = waiting
    const { worker } = member
    member.isBusy = true
    if (member.idleTimer !== null) clearTimeout(member.idleTimer)
    const wasFresh = worker.isFresh()
    const timeoutMs = Math.min(request.limits?.timeoutMs ?? options.taskTimeoutMs, maxTimerMs)
    let timer: NodeJS.Timeout | undefined
    const halt = (error: MusterError, reason: StopReason): void => {
      waiting.stopped ??= error
      stop(member, reason)
    }
    const onAbort = (): void => halt(cancelledError(request), 'cancelled')
    const onClose = (): void => halt(closedError(), 'closed')
    const onStart = (): void => {
      timer = setTimeout(() => halt(timeoutError(request, timeoutMs), 'timeout'), timeoutMs)
    }
    request.signal?.addEventListener('abort', onAbort)
    closing.signal.addEventListener('abort', onClose)
    try {
      const result = await worker.run(request, onStart)
      if (waiting.stopped !== null) throw waiting.stopped
      waiting.resolve(result)
    } catch (error) {
      const failure = waiting.stopped ?? error
      const mayBeInherited = failure instanceof MusterError && isMemoryFailure(failure) && !wasFresh && !waiting.isRetry
      if (mayBeInherited) {
        waiting.isRetry = true
        stop(member, 'ended')
        queue.unshift(waiting)
      } else {
        if (failure instanceof MusterError) {
          log({ event: 'run_failed', pid: worker.pid, program: request.program.cid, code: failure.code })
        }
        waiting.reject(failure)
      }
    } finally {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
      closing.signal.removeEventListener('abort', onClose)
      rest(member)
      pump()
    }
  }

  const run = (request: RunRequest): Promise<RunResult> =>
    new Promise((resolve, reject) => {
      if (closing.signal.aborted) return reject(closedError())
      if (request.signal?.aborted === true) return reject(cancelledError(request))
      const waiting: Waiting = { request, group: request.group ?? '', resolve, reject, stopped: null, isRetry: false }
      const onAbort = (): void => {
        const index = queue.indexOf(waiting)
        if (index === -1) return
        queue.splice(index, 1)
        reject(cancelledError(request))
      }
      request.signal?.addEventListener('abort', onAbort, { once: true })
      queue.push(waiting)
      pump()
    })

  const status = (): PoolStatus => ({
    processes: members.size,
    running: [...members].filter(({ isBusy }) => isBusy).length,
    waiting: queue.length,
  })

  const close = async (): Promise<void> => {
    closing.abort()
    for (const { reject } of queue.splice(0)) reject(closedError())
    for (const member of members) stop(member, 'closed')
    await Promise.all(gone)
  }

  return { run, status, close }
}

/** Timers of Node overflow past this. */
const maxTimerMs = 2 ** 31 - 1

const timeoutError = (request: RunRequest, timeoutMs: number): MusterError =>
  new MusterError({
    code: 'program_timeout',
    message: `The program did not finish within ${timeoutMs} ms and was ended.`,
    facts: { program: request.program.cid, timeoutMs },
  })
