import { MusterError, type MusterErrorInput } from '@muster/protocol'
import type { FailedAnswer } from '../worker/message.ts'
import { guardMark } from '../worker/guard-mark.ts'

/** How a child process ended. */
export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last of what it wrote to standard error. */
  readonly stderr: string
}

export interface FailureContext {
  readonly program: string
  readonly memoryBytes: number
}

/** Whether a failure may be that of what the child did before, so that a fresh child should be tried once. */
export const isMemoryFailure = (error: MusterError): boolean => error.code === 'program_memory'

const outOfMemory = (context: FailureContext, detail: string): MusterErrorInput => ({
  code: 'program_memory',
  message: `The program needed more memory than its limit of ${Math.floor(context.memoryBytes / 2 ** 20)} MiB.`,
  facts: { program: context.program, memoryBytes: context.memoryBytes, detail },
})

/** What a child's own report of a failure means to the caller. */
export const failureOf = (answer: FailedAnswer, context: FailureContext): MusterError => {
  const facts = { program: context.program, detail: answer.detail }
  switch (answer.kind) {
    case 'unpinned':
      return new MusterError({
        code: 'runtime_unpinned',
        message: `This machine cannot run programs reproducibly: ${answer.detail}.`,
        facts,
      })
    case 'memory':
      return new MusterError(outOfMemory(context, answer.detail))
    case 'refused':
      return new MusterError({
        code: 'program_refused',
        message: `The engine does not take this program: ${answer.detail}`,
        facts,
      })
    case 'input':
      return new MusterError({
        code: 'tensor_invalid',
        message: `The inputs do not fit the program: ${answer.detail}`,
        facts,
      })
    case 'failed':
      return new MusterError({
        code: 'program_crashed',
        message: `The program failed on these inputs: ${answer.detail}`,
        facts,
      })
    case 'broken':
      return new MusterError({
        code: 'program_crashed',
        message: `The program broke the engine: ${answer.detail}`,
        facts,
      })
  }
}

const crashSignals: readonly (NodeJS.Signals | null)[] = [
  'SIGSEGV',
  'SIGABRT',
  'SIGILL',
  'SIGBUS',
  'SIGFPE',
  'SIGTRAP',
  'SIGSYS',
]
const heapPattern = /heap out of memory|Array buffer allocation failed|Cannot allocate memory/

/**
 * What it means that a child ended without being asked to. A crash of the engine is the program's fault; a kill from
 * outside, or a child that never came up, the machine's.
 */
export const exitFailure = (exit: WorkerExit, context: FailureContext, wasReady: boolean): MusterError => {
  const { code, signal, stderr } = exit
  const facts = { program: context.program, exitCode: code, signal, stderr: stderr.slice(-500) }
  if (stderr.includes(guardMark) || (wasReady && heapPattern.test(stderr))) {
    return new MusterError(outOfMemory(context, 'the process was stopped'))
  }
  if (wasReady && (crashSignals.includes(signal) || signal === null)) {
    return new MusterError({
      code: 'program_crashed',
      message: `The program crashed its process (${signal ?? `exit code ${code}`}).`,
      facts,
    })
  }
  return new MusterError({
    code: 'workload_failed',
    message: wasReady
      ? `The process of the program was killed from outside (${signal}).`
      : `The runtime's process did not start (${signal ?? `exit code ${code}`}).`,
    facts,
  })
}
