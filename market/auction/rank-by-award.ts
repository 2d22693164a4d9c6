import { rankEffective, type Job, type SignedOffer } from '@muster/protocol'
import type { ProviderRecords } from '../provider/provider-records.ts'

/** Offers that fit, cheapest first, in the order of the job's own rule of award. The records of all their providers are read. */
export const rankByAward = async (
  job: Job,
  cheapestFirst: SignedOffer[],
  records: Pick<ProviderRecords, 'expect' | 'workOf'>,
): Promise<SignedOffer[]> => {
  if (job.order.record.award === 'lowest') return cheapestFirst
  const reliabilityOf = await records.expect(
    cheapestFirst.map(({ record }) => record.provider),
    job,
  )
  return rankEffective(cheapestFirst, reliabilityOf, records.workOf(job))
}
