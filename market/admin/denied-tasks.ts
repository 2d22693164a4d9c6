import type { Job, JobEvent, Problem } from '@muster/protocol'

/** The waiting tasks of a job that is denied, given up with what its tenant is told. What runs finishes, and is paid. */
export const deniedTasks = (job: Job, problem: Problem, now: number): Extract<JobEvent, { type: 'abandoned' }>[] => {
  if (job.closed !== null || job.cancelRequested || job.waiting.size === 0) return []
  return [{ type: 'abandoned', at: now, tasks: [...job.waiting], problem }]
}
