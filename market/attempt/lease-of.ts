import type { AttemptRef, Job, LeaseState } from '@muster/protocol'

/** The lease that an attempt runs, or ran, on. */
export const leaseOf = (job: Job, { index, fence }: AttemptRef): LeaseState | undefined => {
  const lease = job.tasks[index]?.attempts.find((attempt) => attempt.fence === fence)?.lease
  return lease === undefined ? undefined : job.leases.get(lease)
}
