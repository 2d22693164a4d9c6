import { getJobRoute, MusterError, type JobId } from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

const isUnknown = (error: unknown): boolean =>
  error instanceof MusterError &&
  (error.code === 'not_found' || error.code === 'unauthenticated' || error.code === 'forbidden')

/** The market that has a job: each is asked once. Rejects with `not_found`, or `unavailable` where the one that has it may be out of reach. */
export const findJob = async (
  connections: readonly Connection[],
  job: JobId,
  options: CallOptions = {},
): Promise<Connection> => {
  const asked = await Promise.all(
    connections.map(async (connection) => {
      try {
        await callRoute(connection, getJobRoute, { params: { job } }, options)
        return { connection, error: undefined }
      } catch (error) {
        return { connection, error }
      }
    }),
  )
  const found = asked.find(({ error }) => error === undefined)
  if (found !== undefined) return found.connection
  const silent = asked.filter(({ error }) => !isUnknown(error))
  const [first] = silent
  if (first === undefined) {
    throw new MusterError({
      code: 'not_found',
      message: `None of the ${connections.length} markets has the job ${job}.`,
      facts: { job, markets: connections.map(({ url }) => url) },
    })
  }
  if (options.signal?.aborted === true && first.error instanceof MusterError) throw first.error
  throw new MusterError({
    code: 'unavailable',
    message: `No market in reach has the job ${job}, and ${silent.map(({ connection }) => connection.url).join(', ')} did not answer.`,
    facts: { job, unreachable: silent.map(({ connection }) => connection.url) },
    fault: 'network',
    cause: first.error,
  })
}
