import type { AttemptRef, Job, LeaseId } from '@muster/protocol'

/** The attempts of a lease that are running or claimed. */
export const attemptsOf = (job: Job, lease: LeaseId): AttemptRef[] =>
  [...(job.inFlight.get(lease) ?? [])].flatMap((index) => {
    const fence = job.tasks[index]?.fence
    return fence === undefined ? [] : [{ index, fence }]
  })
