import { getJobRoute, type JobId, type JobView, type TimelineEvent } from '@muster/protocol'
import { callRoute } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { watchJob, type WatchOptions } from './watch-job.ts'

export interface WaitOptions extends WatchOptions {
  readonly onEvent?: (event: TimelineEvent) => void
}

/** Waits until a job is closed and gives it; whether it succeeded is in `outcome`. Rejects as `watchJob`. */
export const waitForJob = async (
  connection: Connection,
  job: JobId,
  { onEvent, ...options }: WaitOptions = {},
): Promise<JobView> => {
  for await (const event of watchJob(connection, job, options)) onEvent?.(event)
  return callRoute(connection, getJobRoute, { params: { job } }, { signal: options.signal })
}
