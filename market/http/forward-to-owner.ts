import { MusterError, parseId, type JobId } from '@muster/protocol'
import type { MiddlewareHandler } from 'hono'
import { fromHeader } from '../cluster/hop/hop-key.ts'
import type { Market } from '../market.ts'

const jobOf = (text: string | undefined): JobId | undefined => {
  try {
    return text === undefined ? undefined : parseId('job', text)
  } catch {
    return undefined
  }
}

/**
 * Any node answers for any job: what is asked of one that another node writes goes to that node, whose answer comes back as it
 * is. What only reads is answered here where the other does not answer.
 */
export const forwardToOwner =
  ({ cluster, modules: { jobs, log } }: Market): MiddlewareHandler =>
  async (context, next) => {
    const job = jobOf(context.req.param('job'))
    const isPassed = context.req.header(fromHeader) !== undefined
    if (cluster === undefined || job === undefined || isPassed || jobs.get(job) !== undefined) return next()
    const owner = cluster.others().length === 0 ? undefined : await cluster.ownerOf(job)
    if (owner === undefined) return next()
    try {
      return await cluster.fetch(owner, context.req.raw)
    } catch (cause) {
      log.info('the node that writes a job does not answer', { job, node: owner.name, error: cause })
      if (context.req.method === 'GET' && !context.req.path.endsWith('/events')) return next()
      throw new MusterError({
        code: 'unavailable',
        message: 'The node of the market that works on this job does not answer; try again in a moment.',
        facts: { job },
        retryAfterMs: 1_000,
        cause,
      })
    }
  }
