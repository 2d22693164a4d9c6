import type { Muster, SignedOffer } from '@muster/sdk'

/** The dearest offer that fits the two waves, in nano-dollars per operator: what they would have cost without an auction. */
export const dearestOffer = async (muster: Muster, maxNanoUsdPerOperator: bigint): Promise<SignedOffer | undefined> => {
  const { offers } = await muster.match({
    slots: 1,
    resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0 },
    runtime: 'graph',
    placement: {},
    maxPrice: { nanoUsd: maxNanoUsdPerOperator, per: 'operator' },
  })
  return offers.toSorted((a, b) => Number(b.record.price.nanoUsd - a.record.price.nanoUsd))[0]
}
