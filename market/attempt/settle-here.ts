import { parseAttemptId, type AgentPeer, type AttemptId, type JobId } from '@muster/protocol'
import type { Jobs } from '../job/jobs.ts'

/** Of jobs that are not written here, those that are open, or of which that is not known now. */
export type Elsewhere = (peer: AgentPeer, jobs: readonly JobId[]) => Promise<ReadonlySet<JobId>>

/**
 * The attempts of which this node may say that they are settled, once it has done what it is to do: those of its own jobs, and
 * those of no job that is open. Asked before anything is done, since a job may be taken up meanwhile.
 */
export const settleHere = async (
  peer: AgentPeer,
  attempts: readonly AttemptId[],
  { jobs, elsewhere }: { readonly jobs: Pick<Jobs, 'get'>; readonly elsewhere?: Elsewhere },
): Promise<readonly AttemptId[]> => {
  if (elsewhere === undefined) return attempts
  const unknown = new Set<JobId>()
  let before: string | undefined
  for (const attempt of attempts) {
    // Most are of one job.
    if (before !== undefined && attempt.startsWith(before)) continue
    const job = parseAttemptId(attempt)?.job
    before = job === undefined ? undefined : `${job}.`
    if (job !== undefined && jobs.get(job) === undefined) unknown.add(job)
  }
  if (unknown.size === 0) return attempts
  const others = await elsewhere(peer, [...unknown])
  return attempts.filter((attempt) => {
    const job = parseAttemptId(attempt)?.job
    return job === undefined || !others.has(job)
  })
}
