import {
  parseAttemptId,
  type AgentMessage,
  type AgentPeer,
  type JobId,
  type LeaseId,
  type Log,
  type World,
} from '@muster/protocol'
import type { Draft } from '../job/draft.ts'
import type { Jobs } from '../job/jobs.ts'
import { loseLease } from '../lease/lose-lease.ts'
import { boundProblem } from './bound-problem.ts'
import { failAttempts, type FailedAttempt } from './fail-attempts.ts'
import { isWanted } from './is-wanted.ts'
import { leaseOf } from './lease-of.ts'
import { settleHere, type Elsewhere } from './settle-here.ts'

type Failures = Extract<AgentMessage, { type: 'failures' }>['failures']

export interface RecordFailuresModules {
  readonly world: World
  readonly jobs: Jobs
  /** Whether the time of a lease is up, however the clock was set meanwhile. */
  readonly isOver: (lease: LeaseId) => boolean
  readonly log: Log
  readonly elsewhere?: Elsewhere
}

/** An agent that says it holds an attempt's lease no more has given the lease back; its attempts are lost, not failed. */
const takeBack = (
  draft: Draft,
  provider: string,
  failures: readonly FailedAttempt[],
  { world, isOver }: Pick<RecordFailuresModules, 'world' | 'isOver'>,
): void => {
  for (const { ref, problem } of failures) {
    if (problem.code !== 'lease_closed' || !isWanted(draft.job, ref)) continue
    const state = leaseOf(draft.job, ref)
    if (state?.provider !== provider) continue
    const { id, term } = state.lease.record
    // Whoever ends a lease that has a term gives notice of no time at all.
    if (term !== undefined && !isOver(id) && (state.notice?.endsAt ?? state.until) > draft.now)
      draft.emit({ type: 'lease-noticed', at: draft.now, lease: id, endsAt: draft.now })
    loseLease(draft, id, 'returned', world)
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
  modules: RecordFailuresModules,
): Promise<void> => {
  const { jobs, log } = modules
  const record = (failed: readonly FailedAttempt[]) => (draft: Draft) => {
    takeBack(draft, peer.provider, failed, modules)
    failAttempts(draft, peer.provider, failed)
  }
  try {
    const attempts = await settleHere(
      peer,
      failures.map(({ attempt }) => attempt),
      modules,
    )
    await Promise.all([...groupByJob(failures)].map(async ([job, failed]) => jobs.get(job)?.step(record(failed))))
    if (attempts.length > 0) peer.send({ type: 'settled', attempts: [...attempts] })
  } catch (error) {
    log.warn('failures were not settled; the agent sends them again', { provider: peer.provider, error })
  }
}
