import type { Job, JobView, Problem } from '@muster/protocol'
import type { JobRow } from '../store/store.ts'

/** The list projection of a job. */
export const jobRow = (job: Job, now: number): JobRow => ({
  id: job.id,
  tenant: job.tenant,
  phase: job.closed ?? 'active',
  counts: { ...job.counts },
  ceiling: job.spec.ceiling,
  charged: job.charged,
  submittedAt: job.submittedAt,
  updatedAt: now,
  closedAt: job.closed === null ? null : now,
})

/** What the API shows of a job: `name` is `null` where it was erased; `unmatched` says why it lacks slots, where it does. */
export const jobView = (row: JobRow, name: string | null, unmatched: Problem | null): JobView => ({
  id: row.id,
  name,
  phase: row.phase === 'active' ? 'active' : 'closed',
  outcome: row.phase === 'active' ? null : row.phase,
  counts: { ...row.counts },
  ceiling: row.ceiling,
  charged: row.charged,
  submittedAt: row.submittedAt,
  unmatched,
})
