import type { Demand, JobSpec } from '@muster/sdk'

/** What of a job an offer must meet. */
export const demandOf = ({
  slots,
  resources,
  runtime,
  placement,
  lease,
  limits,
  maxPrice,
}: JobSpec): Demand & { readonly taskTimeoutMs: number } => ({
  slots,
  resources,
  runtime,
  placement,
  ...(lease === undefined ? {} : { lease }),
  taskTimeoutMs: limits.taskTimeoutMs,
  maxPrice,
})
