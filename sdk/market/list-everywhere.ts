import { listJobsRoute, MusterError, type JobView } from '@muster/protocol'
import { callRoute, type CallOptions, type CallQuery } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

export type JobSomewhere = JobView & { readonly market: string }

export interface JobsEverywhere {
  /** Newest first, each with the market that has it. */
  readonly jobs: readonly JobSomewhere[]
  /** Markets that did not say: jobs there are missing from the list. */
  readonly missing: readonly { readonly market: string; readonly problem: MusterError }[]
}

/** The tenant's newest jobs over all markets. A market that does not answer keeps back none of the others. */
export const listEverywhere = async (
  connections: readonly Connection[],
  query: CallQuery<typeof listJobsRoute>,
  options: CallOptions = {},
): Promise<JobsEverywhere> => {
  const jobs: JobSomewhere[] = []
  const missing: { market: string; problem: MusterError }[] = []
  await Promise.all(
    connections.map(async (connection) => {
      const market = connection.url
      try {
        const listed = await callRoute(connection, listJobsRoute, { query }, options)
        jobs.push(...listed.jobs.map((job) => ({ ...job, market })))
      } catch (error) {
        if (!(error instanceof MusterError) || options.signal?.aborted === true) throw error
        missing.push({ market, problem: error })
      }
    }),
  )
  const newest = jobs.toSorted((a, b) => b.submittedAt - a.submittedAt || (a.id < b.id ? 1 : -1))
  return { jobs: query.limit === undefined ? newest : newest.slice(0, query.limit), missing }
}
