import {
  attemptId,
  parseAttemptId,
  stepJob,
  type Address,
  type AttemptId,
  type AttemptRef,
  type Digest,
  type Job,
  type JobEvent,
  type JobId,
  type LeaseId,
  type ReceiptId,
} from '@muster/protocol'
import { spreadBatch } from '../../../market/store/spread-batch.ts'
import type { Commit } from '../../../market/store/store.ts'
import { checkReceipt, type CheckReceiptModules } from './check-receipt.ts'
import type { Reach } from './reach.ts'
import type { Violations } from './violations.ts'

export interface WatchedAttempt {
  readonly lease: LeaseId
  readonly provider: Address
  readonly dispatchedAt: number
}

export interface WatchedLease {
  readonly job: JobId
  readonly provider: Address
  readonly openedAt: number
  /** When an attempt of it last ended, or began on an idle lease. */
  progressAt: number
}

/** The jobs as the journal has them, folded here from what became durable. */
export interface JobsWatch {
  /** What just became durable. */
  committed(commit: Commit): void
  readonly jobs: ReadonlyMap<JobId, Job>
  readonly versions: ReadonlyMap<JobId, number>
  closed(): number
  readonly attempts: ReadonlyMap<AttemptId, WatchedAttempt>
  readonly leases: ReadonlyMap<LeaseId, WatchedLease>
  /** Receipts by the attempt they are for. */
  readonly receipts: ReadonlyMap<AttemptId, ReceiptId>
  /** Forgets a closed job but for what its agents may yet come back with. */
  forget(id: JobId): void
}

export interface WatchJobsOptions {
  readonly graceMs: number
  readonly progressSlackMs: number
}

export interface WatchJobsModules extends CheckReceiptModules {
  readonly now: () => number
  readonly violations: Violations
  readonly reach: Reach
}

export const watchJobs = (options: WatchJobsOptions, modules: WatchJobsModules): JobsWatch => {
  const { now, violations, reach } = modules
  const jobs = new Map<JobId, Job>()
  const versions = new Map<JobId, number>()
  const attempts = new Map<AttemptId, WatchedAttempt>()
  const leases = new Map<LeaseId, WatchedLease>()
  const receipts = new Map<AttemptId, ReceiptId>()
  const accepted = new Map<string, AttemptId>()
  let closed = 0
  const sold = new Map<Digest, LeaseId>()

  const open = (job: Job, { record }: Extract<JobEvent, { type: 'lease-opened' }>['lease']): void => {
    const other = sold.get(record.reservation)
    if (other !== undefined)
      violations.report(
        'slot-sold-once',
        `leases ${other} and ${record.id} rest on one reservation of ${record.provider}`,
      )
    sold.set(record.reservation, record.id)
    leases.set(record.id, { job: job.id, provider: record.provider, openedAt: now(), progressAt: now() })
  }

  const dispatch = (job: Job, { lease, attempts: refs }: Extract<JobEvent, { type: 'dispatched' }>): void => {
    const watched = leases.get(lease)
    if (watched === undefined)
      return violations.report('runs-where-leased', `${job.id} dispatched to an unknown lease ${lease}`)
    if (job.inFlight.get(lease)?.size === refs.length) watched.progressAt = now()
    for (const { index, fence } of refs) {
      attempts.set(attemptId(job.id, index, fence), { lease, provider: watched.provider, dispatchedAt: now() })
    }
  }

  const progress = (job: Job, refs: readonly AttemptRef[]): void => {
    for (const { index, fence } of refs) {
      const attempt = attempts.get(attemptId(job.id, index, fence))
      const lease = attempt === undefined ? undefined : leases.get(attempt.lease)
      if (lease !== undefined) lease.progressAt = now()
    }
  }

  const accept = (job: Job, refs: Extract<JobEvent, { type: 'accepted' }>['attempts']): void => {
    for (const { index, fence, receipt } of refs) {
      const task = `${job.id}.${index}`
      const id = attemptId(job.id, index, fence)
      const before = accepted.get(task)
      if (before !== undefined) violations.report('accepted-once', `${before} and then ${id} were accepted`)
      accepted.set(task, id)
      receipts.set(id, receipt)
    }
  }

  const judgeLoss = (job: Job, id: LeaseId): void => {
    const lease = leases.get(id)
    if (lease === undefined) return
    const unreachableMs = now() - reach.lastAt(lease.provider)
    if (unreachableMs >= options.graceMs - 1) return
    const stuckMs = now() - lease.progressAt
    if (stuckMs >= job.spec.limits.taskTimeoutMs + options.progressSlackMs - 1) return
    violations.report(
      'lost-only-when-unreachable',
      `${id} was given up ${unreachableMs.toFixed()} ms after its agent was reached and ${stuckMs.toFixed()} ms after its last progress`,
    )
  }

  const see = (job: Job, event: JobEvent): void => {
    switch (event.type) {
      case 'lease-opened':
        return open(job, event.lease)
      case 'dispatched':
        return dispatch(job, event)
      case 'finalised':
      case 'failed':
      case 'cancelled-attempts':
        return progress(job, event.attempts)
      case 'accepted':
        return accept(job, event.attempts)
      case 'lease-closed':
        if (event.reason === 'lost') judgeLoss(job, event.lease)
        return
      case 'closed':
        closed++
        return
      default:
    }
  }

  return {
    jobs,
    versions,
    closed: () => closed,
    attempts,
    leases,
    receipts,
    forget: (id) => {
      const job = jobs.get(id)
      if (job === undefined) return
      for (const [index, task] of job.tasks.entries()) {
        accepted.delete(`${id}.${index}`)
        for (const { fence, phase } of task.attempts) {
          const attempt = attemptId(id, index, fence)
          receipts.delete(attempt)
          if (phase === 'final') attempts.delete(attempt)
        }
      }
      for (const [id, { lease }] of job.leases) {
        leases.delete(id)
        sold.delete(lease.record.reservation)
      }
      jobs.delete(id)
      versions.delete(id)
    },
    committed: (commit) => {
      for (const { stream, events } of commit.appends ?? []) {
        for (const event of events) {
          try {
            const job = stepJob(jobs.get(stream), event)
            jobs.set(stream, job)
            versions.set(stream, (versions.get(stream) ?? 0) + 1)
            see(job, event)
          } catch (error) {
            violations.report('journal-is-memory', `the journal of ${stream} does not fold: ${String(error)}`)
          }
        }
      }
      for (const stored of (commit.receipts ?? []).flatMap(spreadBatch)) {
        const name = parseAttemptId(stored.receipt.record.attempt)
        const job = name === undefined ? undefined : jobs.get(name.job)
        const wrong = job === undefined ? 'it names no job' : checkReceipt(job, stored, receipts, modules)
        if (wrong !== undefined)
          violations.report('receipt-matches-work', `receipt ${stored.receipt.record.id}: ${wrong}`)
      }
    },
  }
}
