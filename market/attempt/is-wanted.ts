import { liveAttempt, newTask, parseAttemptId, type AttemptRef, type Claim, type Job } from '@muster/protocol'

/** Whether this attempt is the task's newest and has not ended. */
export const isWanted = (job: Job, { index, fence }: AttemptRef): boolean => {
  const live = liveAttempt(job.tasks[index] ?? newTask)
  return live?.fence === fence && (live.phase === 'running' || live.phase === 'claimed')
}

/** The planted bug: the attempt that runs now, whichever fence the claim bears. */
export const fencedAttemptOf = (job: Job, claim: Claim): AttemptRef | undefined => {
  const index = parseAttemptId(claim.attempt)?.index ?? 0
  const live = liveAttempt(job.tasks[index] ?? newTask)
  return live?.phase === 'running' ? { index, fence: live.fence } : undefined
}
