import { MusterError, type RouteName, type routes } from '@muster/protocol'
import type { Market } from '../market.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

/** Handlers of everything about sealed auctions. */
export const auctionHandlers = ({ modules: { store }, domain }: Market): Handlers<'auction' | 'jobAuctions'> => ({
  auction: async ({ params: { auction } }) => {
    const transcript = await store.auctions.get(auction)
    if (transcript !== undefined) return { chainId: domain.chainId, transcript }
    throw new MusterError({
      code: 'not_found',
      message: 'There is no transcript of such an auction.',
      facts: { auction },
    })
  },
  jobAuctions: async ({ params: { job }, query: { after, limit }, tenant }) => {
    const row = await store.jobs.get(job)
    if (row?.tenant !== tenant.id)
      throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job } })
    return { auctions: [...(await store.auctions.ofJob(job, { limit, ...(after === undefined ? {} : { after }) }))] }
  },
})
