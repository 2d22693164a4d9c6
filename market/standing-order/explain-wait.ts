import { MusterError, tellNoFit, type Demand } from '@muster/protocol'
import type { FindNear } from '../auction/find-near.ts'
import { unbondedOf, type OfferedCover } from '../ledger/offered-cover.ts'

export interface ExplainWaitModules {
  readonly findNear: FindNear
  readonly offeredCover: OfferedCover
}

/** Why an order waits that so many slots were free for, too few of them. */
export const explainWait = async (
  demand: Demand,
  free: number,
  { findNear, offeredCover }: ExplainWaitModules,
): Promise<MusterError> => {
  if (free > 0) {
    return new MusterError({
      code: 'nothing_fits',
      message: `Of the ${demand.slots} slots it wants at once, ${free} ${free === 1 ? 'is' : 'are'} free at its price.`,
      facts: { slots: demand.slots, free },
      retryAfterMs: 10_000,
    })
  }
  const unbonded = unbondedOf(await offeredCover())
  return tellNoFit(demand, await findNear(demand, { needsSlots: true, unbonded, declined: new Set() }))
}
