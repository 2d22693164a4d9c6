import { MusterError, parseAttemptId, type JobId, type Muster, type TaskView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatRanges } from '../format/format-ranges.ts'
import { printable } from '../terminal/text-width.ts'
import { findTask } from './find-task.ts'
import { parseJobPart, type JobPart } from './parse-ids.ts'

const mostAttempts = 50

const requireAttempt = ({ index, attempts }: TaskView, fence: number, job: JobId): void => {
  if (attempts.some((attempt) => attempt.fence === fence)) return
  const fences = attempts.map((attempt) => attempt.fence)
  const known = fences.length === 0 ? 'it has not run yet' : `it has ${formatRanges(fences, mostAttempts)}`
  throw new MusterError({
    code: 'not_found',
    message: `There is no attempt ${fence} of task ${index} in this job: ${known}.`,
    facts: { job, task: index, attempt: fence },
  })
}

/** The attempts meant: the one named, else the newest of the task named, else the newest of every task. */
const findAttempts = async (muster: Muster, { job, index, fence }: JobPart, signal: AbortSignal): Promise<string[]> => {
  if (index !== undefined) {
    const task = await findTask(muster, job, index, signal)
    if (fence !== undefined) requireAttempt(task, fence, job)
    const meant = fence ?? task.attempts.at(-1)?.fence
    return meant === undefined ? [] : [`${job}.${index}.${meant}`]
  }
  const attempts: string[] = []
  for await (const task of muster.listTasks(job, { signal })) {
    const newest = task.attempts.at(-1)
    if (newest !== undefined) attempts.push(`${job}.${task.index}.${newest.fence}`)
    if (attempts.length === mostAttempts) break
  }
  return attempts
}

/** `muster job logs`: what attempts wrote, as long as their machines hold it. */
export const showLogs = async (session: Session, text: string): Promise<number> => {
  const part = parseJobPart(text)
  const muster = await session.connectFor(part.job)
  const { signal, style } = session
  const logs: { readonly attempt: string; readonly lines: readonly string[]; readonly problem?: string }[] = []
  for (const attempt of await findAttempts(muster, part, signal)) {
    try {
      logs.push({ attempt, lines: await muster.attemptLogs(attempt, { signal }) })
    } catch (error) {
      const isOneOfMany = part.fence === undefined && error instanceof MusterError
      if (!isOneOfMany || error.code === 'cancelled') throw error
      logs.push({ attempt, lines: [], problem: error.message })
    }
  }
  session.print(
    logs,
    () =>
      logs.length === 0
        ? 'Nothing has run yet.\n'
        : logs
            .map(({ attempt, lines, problem }) => {
              const name = parseAttemptId(attempt)
              const head = logs.length === 1 ? '' : style.dim(`── task ${name?.index}, attempt ${name?.fence}\n`)
              const body =
                problem === undefined
                  ? lines.map((line) => `${printable(line)}\n`).join('')
                  : style.yellow(`${printable(problem)}\n`)
              return head + body
            })
            .join(''),
    'as-is',
  )
  return exitCodes.ok
}
