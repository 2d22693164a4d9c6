import { isId, MusterError, type JobId, type JobLeases, type LeaseId, type LeaseView, type Muster } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { parseJobId } from '../job/parse-ids.ts'

/** A job with its leases, and the market that has it. */
export interface LeasedJob extends JobLeases {
  readonly muster: Muster
  readonly job: JobId
}

const mostJobs = 200

const look = async (session: Session, muster: Muster, job: JobId): Promise<LeasedJob> => ({
  muster,
  job,
  ...(await muster.listLeases(job, { signal: session.signal })),
})

/** The leases of one job, or of every job that is not closed, newest first. */
export const findLeases = async (session: Session, job: string | undefined): Promise<LeasedJob[]> => {
  if (job !== undefined) {
    const id = parseJobId(job)
    return [await look(session, await session.connectFor(id), id)]
  }
  const isOne = (await session.contexts()).length === 1
  const clients = isOne ? [await session.connect()] : (await session.connectAll()).markets
  const found: LeasedJob[] = []
  for (const muster of clients) {
    const jobs = await muster.listJobs({ limit: mostJobs }, { signal: session.signal })
    for (const { id, phase } of jobs) if (phase === 'active') found.push(await look(session, muster, id))
  }
  return found
}

/** Throws `request_invalid` for what is no lease's id, `not_found` where no job has it. */
export const findLease = async (
  session: Session,
  text: string,
  job: string | undefined,
): Promise<{ readonly of: LeasedJob; readonly lease: LeaseView }> => {
  if (!isId('lease', text))
    throw new MusterError({
      code: 'request_invalid',
      message: 'This names no lease; muster lease list shows yours.',
      facts: { expected: 'lse_…', found: text.slice(0, 80) },
    })
  const id: LeaseId = text
  for (const of of await findLeases(session, job)) {
    const lease = of.leases.find((each) => each.id === id)
    if (lease !== undefined) return { of, lease }
  }
  throw new MusterError({
    code: 'not_found',
    message: job === undefined ? 'No job of yours that is not closed has this lease.' : 'The job has no such lease.',
    facts: { lease: id },
  })
}
