import type { Demand, JobSpec } from '@muster/sdk'

/** What of a job an offer must meet. */
export const demandOf = ({ slots, resources, runtime, placement, lease, maxPrice }: JobSpec): Demand => ({
  slots,
  resources,
  runtime,
  placement,
  ...(lease === undefined ? {} : { lease }),
  maxPrice,
})
