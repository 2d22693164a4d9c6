import { lowestId, MusterError, type RouteName, type routes } from '@muster/protocol'
import type { Market } from '../market.ts'
import type { Handler } from './handler.ts'

const dayMs = 86_400_000

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

/** Handlers of everything about sealed auctions. */
export const auctionHandlers = ({
  modules: { store, transcripts, world },
  options: { keepTranscriptsMs },
  domain,
}: Market): Handlers<'auction' | 'jobAuctions'> => ({
  auction: async ({ params: { auction } }) => {
    const transcript = await transcripts(auction)
    if (transcript !== undefined) return { chainId: domain.chainId, transcript }
    const isOld = keepTranscriptsMs > 0 && auction < lowestId('auction', Math.max(0, world.now() - keepTranscriptsMs))
    const days = Number((keepTranscriptsMs / dayMs).toFixed(1))
    throw new MusterError({
      code: 'not_found',
      message: isOld
        ? `This market keeps the transcripts of auctions for ${days} days, and this auction is older; one that was saved stays as good.`
        : 'There is no transcript of such an auction.',
      facts: { auction, ...(isOld ? { keptDays: days } : {}) },
    })
  },
  jobAuctions: async ({ params: { job }, query: { after, limit }, tenant }) => {
    const row = await store.jobs.get(job)
    if (row?.tenant !== tenant.id)
      throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job } })
    return { auctions: [...(await store.auctions.ofJob(job, { limit, ...(after === undefined ? {} : { after }) }))] }
  },
})
