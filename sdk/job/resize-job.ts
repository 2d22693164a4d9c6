import { listLeasesRoute, resizeJobRoute, signRecord, type JobId, type JobLeases } from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { findParty } from './submit-job.ts'

/**
 * Has a job want this many slots at once from now on; signed here where a signer is given, else by the market for the tenant. The same
 * number again changes nothing. Rejects with `conflict` for a job that is closed or was resized by another call meanwhile.
 */
export const resizeJob = async (
  connection: Connection,
  job: JobId,
  slots: number,
  options: CallOptions = {},
): Promise<JobLeases> => {
  const { signer, world } = connection
  const put = (body: Parameters<typeof callRoute<typeof resizeJobRoute>>[2]['body']): Promise<JobLeases> =>
    callRoute(connection, resizeJobRoute, { params: { job }, body }, options)
  if (signer === undefined) return put({ slots })
  const now = await callRoute(connection, listLeasesRoute, { params: { job } }, options)
  if (now.slots === slots) return now
  const { tenant, domain } = await findParty(connection, signer, options)
  const { market } = domain
  const number = now.resizes + 1
  const record = { kind: 'resize', market, tenant, order: now.order, number, slots, issuedAt: world.now() } as const
  return put({ slots, resize: signRecord(signer, domain, record) })
}
