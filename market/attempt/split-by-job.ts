import { parseAttemptId, pickFromGroup, type Claim, type JobId, type SignedGroup } from '@muster/protocol'

/** The claims of each job, as a group of their own. Claims that name no job are left out. */
export const splitByJob = (claims: SignedGroup<Claim>): [JobId, SignedGroup<Claim>][] => {
  const byJob = new Map<JobId, Set<Claim>>()
  for (const claim of claims.records) {
    const job = parseAttemptId(claim.attempt)?.job
    if (job === undefined) continue
    const ofJob = byJob.get(job)
    if (ofJob === undefined) byJob.set(job, new Set([claim]))
    else ofJob.add(claim)
  }
  return [...byJob].flatMap(([job, ofJob]): [JobId, SignedGroup<Claim>][] => {
    const group = pickFromGroup(claims, (claim) => ofJob.has(claim))
    return group === undefined ? [] : [[job, group]]
  })
}
