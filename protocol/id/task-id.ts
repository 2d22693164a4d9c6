import { z } from 'zod'
import { branded } from './branded.ts'
import type { JobId } from './id.ts'

/** `<job>.<index>`: the task at this index of the job. */
export type TaskId = string & { readonly __id: 'task' }
/** `<job>.<index>.<fence>`: one run of the task; a later run has a higher fence. */
export type AttemptId = string & { readonly __id: 'attempt' }

export interface AttemptName {
  readonly job: JobId
  readonly index: number
  readonly fence: number
}

/** The highest index and fence that an id has room for. */
export const maxTaskNumber = 9_999_999

const attemptPattern = /^(job_[0-7][0-9A-HJKMNP-TV-Z]{25})\.(0|[1-9][0-9]{0,6})\.([1-9][0-9]{0,6})$/

export const taskId = (job: JobId, index: number): TaskId => `${job}.${index}` as TaskId

export const attemptId = (job: JobId, index: number, fence: number): AttemptId =>
  `${job}.${index}.${fence}` as AttemptId

/** The parts of an attempt's id, or `undefined` where the text is none. */
export const parseAttemptId = (text: string): AttemptName | undefined => {
  const match = attemptPattern.exec(text)
  if (match === null) return undefined
  const [, job, index, fence] = match
  return { job: job as JobId, index: Number(index), fence: Number(fence) }
}

export const attemptIdSchema = branded<AttemptId>(
  z.string().regex(attemptPattern, { error: 'expected <job>.<index>.<fence>' }),
)
