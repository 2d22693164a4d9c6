import { parseAttemptId, spreadGroup, type Claim, type JobId, type SignedGroup } from '@muster/protocol'

/**
 * The claims for each of the jobs that are wanted, as a group of their own; the others are left out. A group whose signature
 * does not hold is split without it: `isSigned` is false, and no part of it can be stored.
 */
export const splitByJob = (
  claims: SignedGroup<Claim>,
  isWanted: (job: JobId) => boolean,
  isSigned: boolean,
): [JobId, SignedGroup<Claim>][] => {
  const byJob = new Map<JobId, number[]>()
  for (const [index, claim] of claims.records.entries()) {
    const job = parseAttemptId(claim.attempt)?.job
    if (job === undefined) continue
    const ofJob = byJob.get(job)
    if (ofJob !== undefined) ofJob.push(index)
    else if (isWanted(job)) byJob.set(job, [index])
  }
  const [only] = byJob
  if (only !== undefined && only[1].length === claims.records.length) return [[only[0], claims]]
  const signed = isSigned && byJob.size > 0 ? spreadGroup(claims) : []
  return [...byJob].map(([job, indexes]) => [
    job,
    {
      records: indexes.flatMap((index) => claims.records[index] ?? []),
      signatures: indexes.flatMap((index) => signed[index]?.signature ?? []),
    },
  ])
}
