import { isLive, startAttempt, stepAttempt, type AttemptState, type AttemptStep } from '../attempt/attempt.ts'
import { MusterError } from '../error/muster-error.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { LeaseId } from '../id/id.ts'

/** Where a task is: exactly one of these at any time. */
export type TaskPhase = 'waiting' | 'running' | 'accepted' | 'final' | 'abandoned' | 'cancelled'

/** A task with its attempts, oldest first. The fence is that of the newest attempt; 0 before the first. */
export interface TaskState {
  readonly fence: number
  readonly attempts: readonly AttemptState[]
  readonly ended: 'abandoned' | 'cancelled' | null
}

export type TaskStep =
  | { readonly type: 'dispatched'; readonly fence: number; readonly lease: LeaseId }
  | { readonly type: 'abandoned' }
  | { readonly type: 'withdrawn' }
  | ({ readonly fence: number } & AttemptStep)

export const newTask: TaskState = { fence: 0, attempts: [], ended: null }

export const liveAttempt = (task: TaskState): AttemptState | undefined => {
  const newest = task.attempts.at(-1)
  return newest !== undefined && isLive(newest) ? newest : undefined
}

export const taskPhase = (task: TaskState): TaskPhase => {
  if (task.ended !== null) return task.ended
  const live = liveAttempt(task)
  if (live === undefined) return 'waiting'
  if (live.phase === 'accepted' || live.phase === 'final') return live.phase
  return 'running'
}

export const countAttempts = (task: TaskState, phase: AttemptState['phase']): number =>
  task.attempts.filter((attempt) => attempt.phase === phase).length

const requireNewest = (task: TaskState, fence: number): AttemptState => {
  const newest = task.attempts.at(-1)
  if (newest !== undefined && newest.fence === fence) return newest
  throw new MusterError({
    code: 'attempt_fenced',
    message: 'A newer attempt of this task has replaced this one; its claim is refused and it is not paid.',
    facts: { expected: task.fence, found: fence },
  })
}

/** The task after a step. Throws `attempt_fenced` for an attempt that was replaced, else `transition_refused`. */
export const stepTask = (task: TaskState, step: TaskStep): TaskState => {
  const phase = taskPhase(task)
  switch (step.type) {
    case 'dispatched':
      if (phase !== 'waiting' || step.fence !== task.fence + 1) {
        throw refuseTransition('task', phase, step.type, { expected: task.fence + 1, found: step.fence })
      }
      return { ...task, fence: step.fence, attempts: [...task.attempts, startAttempt(step.fence, step.lease)] }
    case 'abandoned':
      if (phase !== 'waiting') throw refuseTransition('task', phase, step.type)
      return { ...task, ended: 'abandoned' }
    case 'withdrawn':
      if (phase !== 'waiting') throw refuseTransition('task', phase, step.type)
      return { ...task, ended: 'cancelled' }
    default: {
      const next = stepAttempt(requireNewest(task, step.fence), step)
      return { ...task, attempts: [...task.attempts.slice(0, -1), next] }
    }
  }
}
