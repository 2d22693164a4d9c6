import type { Address, Job } from '@muster/protocol'

/** Those that lost or refused a lease of this job before. */
export const failedProviders = (job: Job): ReadonlySet<Address> =>
  new Set(
    [...job.leases.values()].flatMap(({ provider, closed }) =>
      closed === 'lost' || closed === 'refused' ? [provider] : [],
    ),
  )
