import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import { takesWork, type LeaseState } from '../lease/lease-state.ts'
import type { JobEvent } from './job-event.ts'
import type { Job } from './job.ts'

const mayWork = (state: LeaseState, now: number): boolean => takesWork(state, now) || state.phase === 'suspect'

/**
 * The waiting tasks of a job whose order has expired and that holds no lease which could still take them: no agent
 * answers the order any more, so they are given up. What runs may end, and leases that are open are used up.
 */
export const expiredTasks = (job: Job, now: number): Extract<JobEvent, { type: 'abandoned' }>[] => {
  const { expiresAt } = job.order.record
  if (job.closed !== null || job.cancelRequested || job.waiting.size === 0 || now < expiresAt) return []
  for (const state of job.leases.values()) if (mayWork(state, now)) return []
  const problem = toProblem(
    new MusterError({
      code: 'record_expired',
      message: 'The order of this job expired before every task was done; submit the rest with a new order.',
      facts: { expiresAt, now, tasks: job.waiting.size },
      fault: 'tenant',
    }),
  )
  return [{ type: 'abandoned', at: now, tasks: [...job.waiting], problem }]
}
