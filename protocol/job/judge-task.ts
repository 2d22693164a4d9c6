import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import { countAttempts } from '../task/task.ts'
import type { JobEvent } from './job-event.ts'
import type { Job } from './job.ts'

/** Lost attempts of one task before it is given up: enough for any run of bad luck, not for a task that kills its hosts. */
const maxLosses = 10

/** The waiting tasks that have used up their attempts, to be given up with the last thing that went wrong. */
export const exhaustedTasks = (job: Job, now: number): Extract<JobEvent, { type: 'abandoned' }>[] => {
  const events: Extract<JobEvent, { type: 'abandoned' }>[] = []
  for (const index of job.waiting) {
    const task = job.tasks[index]
    if (task === undefined || task.fence === 0) continue
    const failures = countAttempts(task, 'failed')
    const losses = countAttempts(task, 'lost')
    if (failures < job.spec.limits.maxFailures && losses < maxLosses) continue
    const last = job.problems.get(index)
    const problem = toProblem(
      new MusterError({
        code: 'attempts_exhausted',
        message:
          last === undefined
            ? 'Every machine that ran this task was lost.'
            : `Every attempt failed; the last: ${last.message}`,
        facts: { task: index, failures, losses, ...(last === undefined ? {} : { last: last.code, ...last.facts }) },
        ...(last === undefined ? {} : { fault: last.fault }),
      }),
    )
    events.push({ type: 'abandoned', at: now, tasks: [index], problem })
  }
  return events
}
