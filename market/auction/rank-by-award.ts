import { leastEffective, rankEffective, type Job, type SignedOffer } from '@muster/protocol'
import type { ProviderRecords } from '../provider/provider-records.ts'

/** An offer with what the job's rule of award counts, in nano-dollars; under `lowest`, where offers come by price as it is, nothing. */
export interface RankedOffer {
  readonly offer: SignedOffer
  readonly cost: number
}

/** Offers that fit, cheapest first, in the order of the job's own rule of award. The records of all their providers are read. */
export const rankByAward = async (
  job: Job,
  cheapestFirst: readonly SignedOffer[],
  records: Pick<ProviderRecords, 'expect' | 'workOf'>,
): Promise<readonly RankedOffer[]> => {
  if (job.order.record.award === 'lowest') return cheapestFirst.map((offer) => ({ offer, cost: 0 }))
  const reliabilityOf = await records.expect(
    cheapestFirst.map(({ record }) => record.provider),
    job,
  )
  return rankEffective(cheapestFirst, reliabilityOf, records.workOf(job)).map(({ offer, effective }) => ({
    offer,
    cost: effective.nanoUsd,
  }))
}

/** What nothing that is dearer than this offer can be ranked below, by the job's rule of award. */
export const leastCost = (job: Job, { record }: SignedOffer, records: Pick<ProviderRecords, 'workOf'>): number =>
  job.order.record.award === 'lowest' ? 0 : leastEffective(record, records.workOf(job))
