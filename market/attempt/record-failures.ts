import { parseAttemptId, type AgentMessage, type AgentPeer, type JobId, type Log, type World } from '@muster/protocol'
import type { Draft } from '../job/draft.ts'
import type { Jobs } from '../job/jobs.ts'
import { loseLease } from '../lease/lose-lease.ts'
import { boundProblem } from './bound-problem.ts'
import { failAttempts, type FailedAttempt } from './fail-attempts.ts'
import { isWanted } from './is-wanted.ts'
import { leaseOf } from './lease-of.ts'

type Failures = Extract<AgentMessage, { type: 'failures' }>['failures']

export interface RecordFailuresModules {
  readonly world: World
  readonly jobs: Jobs
  readonly log: Log
}

/** An agent that says it holds an attempt's lease no more has given the lease back; its attempts are lost, not failed. */
const takeBack = (draft: Draft, provider: string, failures: readonly FailedAttempt[], world: World): void => {
  for (const { ref, problem } of failures) {
    if (problem.code !== 'lease_closed' || !isWanted(draft.job, ref)) continue
    const state = leaseOf(draft.job, ref)
    if (state?.provider === provider) loseLease(draft, state.lease.record.id, 'returned', world)
  }
}

/** The failures of each job, each problem no larger than a journal should hold. */
const groupByJob = (failures: Failures): ReadonlyMap<JobId, readonly FailedAttempt[]> => {
  const byJob = new Map<JobId, FailedAttempt[]>()
  for (const { attempt, problem } of failures) {
    const name = parseAttemptId(attempt)
    if (name === undefined) continue
    const ofJob = byJob.get(name.job) ?? []
    byJob.set(name.job, ofJob)
    ofJob.push({ ref: { index: name.index, fence: name.fence }, problem: boundProblem(problem) })
  }
  return byJob
}

/** Takes an agent's word that attempts failed. Never throws; what is not settled the agent sends again. */
export const recordFailures = async (
  peer: AgentPeer,
  failures: Failures,
  { world, jobs, log }: RecordFailuresModules,
): Promise<void> => {
  const record = (failed: readonly FailedAttempt[]) => (draft: Draft) => {
    takeBack(draft, peer.provider, failed, world)
    failAttempts(draft, peer.provider, failed)
  }
  try {
    await Promise.all([...groupByJob(failures)].map(async ([job, failed]) => jobs.get(job)?.step(record(failed))))
    if (failures.length > 0) peer.send({ type: 'settled', attempts: failures.map(({ attempt }) => attempt) })
  } catch (error) {
    log.warn('failures were not settled; the agent sends them again', { provider: peer.provider, error })
  }
}
