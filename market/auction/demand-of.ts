import type { Demand, Job } from '@muster/protocol'
import { leaseTermMs } from '../lease/open-lease.ts'

/** What an offer must meet for the job to lease from it now, where the market's own leases last for `termMs`. */
export const demandOf = (job: Job, termMs: number): Demand => ({
  ...job.order.record,
  execSpec: job.execSpec,
  defaultTermMs: leaseTermMs(job, termMs),
})
