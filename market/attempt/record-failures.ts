import { parseAttemptId, type AgentMessage, type AgentPeer, type JobId, type Log } from '@muster/protocol'
import type { Jobs } from '../job/jobs.ts'
import { failAttempts, type FailedAttempt } from './fail-attempts.ts'

type Failures = Extract<AgentMessage, { type: 'failures' }>['failures']

/** Takes an agent's word that attempts failed. Never throws; what is not settled the agent sends again. */
export const recordFailures = async (
  peer: AgentPeer,
  failures: Failures,
  { jobs, log }: { readonly jobs: Jobs; readonly log: Log },
): Promise<void> => {
  const byJob = new Map<JobId, FailedAttempt[]>()
  for (const { attempt, problem } of failures) {
    const name = parseAttemptId(attempt)
    if (name === undefined) continue
    const ofJob = byJob.get(name.job) ?? []
    ofJob.push({ ref: { index: name.index, fence: name.fence }, problem })
    byJob.set(name.job, ofJob)
  }
  try {
    await Promise.all(
      [...byJob].map(([job, failed]) => jobs.get(job)?.step((draft) => failAttempts(draft, peer.provider, failed))),
    )
    peer.send({ type: 'settled', attempts: failures.map(({ attempt }) => attempt) })
  } catch (error) {
    log.warn('failures were not settled; the agent sends them again', { provider: peer.provider, error })
  }
}
