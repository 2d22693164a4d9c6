import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import type { LeaseState } from '../lease/lease-state.ts'
import { countAttempts, type TaskState } from '../task/task.ts'
import type { JobEvent } from './job-event.ts'
import type { Job } from './job.ts'

/** Machines that may lose or break one task before it is given up: enough for any run of bad luck, not for a task that kills its hosts. */
const maxLosses = 10

const isEndedInTerm = (state: LeaseState | undefined): boolean =>
  state?.lease.record.term?.kind === 'spot' && state.notice !== null && !state.isBroken

/** Those of a spot lease that was ended with the notice it is sold with say nothing of the task. */
const countLosses = ({ leases }: Job, task: TaskState): number =>
  task.attempts.filter(({ phase, lease }) => phase === 'lost' && !isEndedInTerm(leases.get(lease))).length

/** The waiting tasks that have used up their attempts, to be given up with the last thing that went wrong. */
export const exhaustedTasks = (job: Job, now: number): Extract<JobEvent, { type: 'abandoned' }>[] => {
  const events: Extract<JobEvent, { type: 'abandoned' }>[] = []
  for (const index of job.waiting) {
    const task = job.tasks[index]
    if (task === undefined || task.fence === 0) continue
    const excused = job.excused.get(index) ?? 0
    const failures = countAttempts(task, 'failed') - excused
    const losses = countLosses(job, task) + excused
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
