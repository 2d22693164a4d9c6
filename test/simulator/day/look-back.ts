import { attemptId, type AttemptId, type Job } from '@muster/protocol'
import { checkEmpty, checkJournal, checkTasks } from '../invariant/check-end.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'
import type { TenantJob } from '../process/tenant.ts'

/** Looks at a closed job for the last time, and has those who watched it forget it. */
export const lookBack = (
  tenantJob: TenantJob,
  { run, node }: { readonly run: Run; readonly node: MarketNode },
): Job | undefined => {
  const { jobs, runs, violations } = run
  const job = jobs.jobs.get(tenantJob.id)
  if (job === undefined) return undefined
  checkTasks(job, tenantJob, { run, rogues: new Set(), isStormy: true })
  checkEmpty(job, run)
  checkJournal(job.id, job, { run, node })
  const over: AttemptId[] = []
  for (const [index, task] of job.tasks.entries())
    for (const { fence, phase } of task.attempts) {
      const attempt = attemptId(job.id, index, fence)
      if (phase === 'running' || phase === 'claimed' || (phase === 'final' && !jobs.receipts.has(attempt)))
        violations.report('work-paid-or-refused', `${attempt} of a closed job is ${phase}`)
      if (phase === 'final') over.push(attempt)
    }
  runs.forget(over)
  jobs.forget(job.id)
  return job
}
